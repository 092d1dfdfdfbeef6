import type { LedgerPool } from '../sql.ts';
import { outboxChannel } from './add-to-outbox.ts';

/**
 * Wakes the relay after a commit instead of in it: PostgreSQL lets transactions that notify commit only one after the other, each waiting
 * for the disk. The wake-up itself need not be durable (a lost one costs the relay's poll), and one serves all commits that came while the
 * one before was under way. Nobody waits for it.
 */
export function relayWaker(pool: LedgerPool): () => void {
  let inFlight = false;
  let again = false;
  const wake = (): void => {
    if (inFlight) {
      again = true;
      return;
    }
    inFlight = true;
    again = false;
    pool`SELECT set_config('synchronous_commit', 'off', true), pg_notify(${outboxChannel}, '')`
      .catch(() => undefined)
      .finally(() => {
        inFlight = false;
        if (again) wake();
      });
  };
  return wake;
}
