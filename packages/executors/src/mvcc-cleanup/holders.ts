import type { TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { readXminHolders, type XminHolder } from '@slacktide/targets';
import type { HeapFacts } from './vacuum-tables.ts';

/** Something that keeps dead rows of users' tables from being removed, and since when it surely does. */
export interface Holder extends XminHolder {
  /** It has held at least this long; null = not to be seen. A session's snapshot may be younger than its transaction, not than its latest statement. */
  readonly heldForSeconds: number | null;
}

/** Oldest first. `ignorePids` are our own sessions. */
export async function readHolders(
  reader: TargetReader,
  ignorePids: readonly number[] = [],
): Promise<readonly Holder[]> {
  const holders = (await readXminHolders(reader, ignorePids)).filter(({ catalogOnly }) => !catalogOnly);
  const pids = holders.flatMap(({ kind, pid }) => (kind === 'session' && pid !== null ? [pid] : []));
  const since = await reader.query<{ pid: number; seconds: number | null }>(
    `SELECT pid, extract(epoch FROM now() - CASE WHEN state = 'active' THEN query_start ELSE state_change END)::float8 AS seconds
FROM pg_stat_activity WHERE pid = ANY ($1::int[])`,
    [pids],
  );
  const secondsOf = new Map(since.map(({ pid, seconds }) => [pid, seconds]));
  return holders.map((holder) => ({ ...holder, heldForSeconds: heldFor(holder, secondsOf) }));
}

function heldFor(holder: XminHolder, secondsOf: ReadonlyMap<number, number | null>): number | null {
  switch (holder.kind) {
    case 'session':
      return holder.pid === null ? null : (secondsOf.get(holder.pid) ?? null);
    case 'prepared_transaction':
      return holder.transactionAgeSeconds;
    case 'replication_slot':
    case 'standby_feedback':
      return null;
  }
}

/**
 * The holder that makes a VACUUM for the dead rows of a table useless; undefined = none is known to. When the latest VACUUM
 * ended after the holder took its snapshot, the rows dead now either outlived that VACUUM because of the holder, or died
 * later and are just as much held: nothing can be removed. Without such a VACUUM some rows may be older than the snapshot.
 */
export function uselessBecauseOf(table: HeapsOfTable, holders: readonly Holder[]): Holder | undefined {
  const heaps = [table, ...(table.toast === null ? [] : [table.toast])].filter(({ deadRows }) => deadRows > 0);
  if (heaps.length === 0) return undefined;
  return holders.find(({ heldForSeconds }) =>
    heaps.every(
      ({ secondsSinceVacuum }) =>
        heldForSeconds !== null && secondsSinceVacuum !== null && secondsSinceVacuum < heldForSeconds,
    ),
  );
}
type Heap = Pick<HeapFacts, 'deadRows' | 'secondsSinceVacuum'>;
type HeapsOfTable = Heap & { readonly toast: Heap | null };

/** For results and plans. */
export function holderJson(holder: Holder): JsonObject {
  return {
    kind: holder.kind,
    name: holder.name,
    pid: holder.pid,
    user: holder.user,
    application_name: holder.applicationName,
    state: holder.state,
    transaction_age_seconds: holder.transactionAgeSeconds,
    xmin: holder.xmin,
    age_transactions: holder.ageTransactions,
  };
}
