import type { AuditEntry, AuditFilter } from '@slacktide/application/ports';
import { expect, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { sampleContext } from '../../../../test/support/ledger-data.ts';
import { tamper } from '../../../../test/support/tamper.ts';
import { connectLedger } from '../connect.ts';

async function setup() {
  const databaseUrl = await freshLedger();
  const { ledger, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 2 });
  onTestFinished(close);
  const write = (actor: string, ...entries: [AuditEntry, ...AuditEntry[]]) =>
    ledger.transaction(sampleContext({ actor: { kind: 'system', id: actor, name: actor } }), async () => ({
      result: null,
      audit: entries,
    }));
  const found = async (filter: AuditFilter) =>
    (await ledger.audit.list({ limit: 50 }, filter)).items.map(({ action, entityId }) => `${action} ${entityId}`);
  return { ledger, write, found, sql: lookInto(databaseUrl) };
}

const entry = (action: string, entityId: string): AuditEntry => ({ action, entity: 'schedule', entityId });

it('is paged newest first, each event once, entries of one transaction in reverse order', async () => {
  const { ledger, write } = await setup();
  await write('a', entry('create', '1'), entry('create', '2'), entry('create', '3'));
  await write('a', entry('create', '4'));
  await write('a', entry('create', '5'), entry('create', '6'));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await ledger.audit.list({ limit: 2, cursor });
    seen.push(...page.items.map(({ entityId }) => entityId));
    await write('a', entry('later', 'x'));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  expect(seen).toEqual(['6', '5', '4', '3', '2', '1']);
});

it('is filtered by entity, action, actor and time, alone and together', async () => {
  const { write, found, sql } = await setup();
  await write('dispatcher', entry('create', 'a'), entry('delete', 'b'));
  await write('reconciler', { action: 'create', entity: 'target', entityId: 'a' });
  expect(await found({ entity: 'schedule' })).toEqual(['delete b', 'create a']);
  expect(await found({ entityId: 'a' })).toEqual(['create a', 'create a']);
  expect(await found({ entity: 'schedule', entityId: 'a' })).toEqual(['create a']);
  expect(await found({ action: 'delete' })).toEqual(['delete b']);
  expect(await found({ actor: 'system:reconciler' })).toEqual(['create a']);
  expect(await found({ actor: 'reconciler' })).toEqual([]);
  await tamper(sql, (tx) => tx`UPDATE audit_events SET at = '2026-01-01T00:00:00Z' WHERE action = 'delete'`);
  const newYear = new Date('2026-01-01T00:00:00Z');
  const next = new Date(newYear.getTime() + 1);
  expect(await found({ from: newYear, to: next })).toEqual(['delete b']);
  expect(await found({ to: newYear })).toEqual([]);
  expect(await found({ from: next })).toHaveLength(2);
});

it('keeps before and after as they were', async () => {
  const { ledger, write } = await setup();
  const before = { name: 'Old', tasks: [{ type: 'CHECKPOINT', needs: [] }], window: null };
  await write('a', { ...entry('update', 'a'), before, after: { ...before, name: 'New' }, reason: 'asked for' });
  const { items } = await ledger.audit.list({ limit: 1 });
  expect(items).toEqual([
    {
      id: expect.stringMatching(/^\d+$/),
      at: expect.any(Date),
      actor: 'system:a',
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
      action: 'update',
      entity: 'schedule',
      entityId: 'a',
      before,
      after: { ...before, name: 'New' },
      reason: 'asked for',
    },
  ]);
});
