import { expect, it, vi } from 'vitest';
import type { LedgerPool } from '../sql.ts';
import { relayWaker } from './relay-waker.ts';

/** A ledger in which each notification is answered when the test says so. */
function setup() {
  const sent: PromiseWithResolvers<void>[] = [];
  const pool = vi.fn(() => {
    const notification = Promise.withResolvers<void>();
    sent.push(notification);
    return notification.promise;
  });
  return { wake: relayWaker(pool as unknown as LedgerPool), sent };
}

it('notifies at once, and once more for all commits that came while it was under way', async () => {
  const { wake, sent } = setup();
  wake();
  expect(sent).toHaveLength(1);
  for (let commit = 0; commit < 3; commit++) wake();
  expect(sent).toHaveLength(1);
  sent[0]?.resolve();
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  sent[1]?.resolve();
  await sent[1]?.promise;
  wake();
  await vi.waitFor(() => expect(sent).toHaveLength(3));
});

it('goes on after a notification that failed', async () => {
  const { wake, sent } = setup();
  wake();
  wake();
  sent[0]?.reject(new Error('the ledger is away'));
  await vi.waitFor(() => expect(sent).toHaveLength(2));
});
