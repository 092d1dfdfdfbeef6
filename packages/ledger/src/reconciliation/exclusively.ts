import type { LedgerPool } from '../sql.ts';

/**
 * The lock belongs to a transaction, so that a reconnect cannot lose it unseen, and nobody has to release it. The transaction only holds
 * the lock: it has no snapshot and no id of its own, so it keeps no dead rows alive; what `work` writes is committed by itself.
 * A leader that stands still, or takes longer than `idle_in_transaction_session_timeout` (a minute), loses the lock; its call then rejects.
 */
export async function exclusively<T>(
  pool: LedgerPool,
  name: string,
  work: () => Promise<T>,
): Promise<{ readonly kind: 'led'; readonly result: T } | { readonly kind: 'led_elsewhere' }> {
  let result: { readonly value: T } | undefined;
  await pool.begin(async (tx) => {
    const [{ led }] = await tx<[{ led: boolean }]>`
      SELECT pg_try_advisory_xact_lock(hashtextextended(${`slacktide/${name}`}, 0)) AS led`;
    if (led) result = { value: await work() };
  });
  return result === undefined ? { kind: 'led_elsewhere' } : { kind: 'led', result: result.value };
}
