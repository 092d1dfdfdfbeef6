import type { auditSealing } from '../schema/audit-sealing.ts';
import type { LedgerSql } from '../sql.ts';
import { isUnsealed } from './is-unsealed.ts';

export type Sealing = Pick<typeof auditSealing.$inferSelect, 'settledId' | 'askedId' | 'writers'>;

/**
 * Raises the mark under which nothing unsealed can come to light any more. Who inserts an event locks the table before it gets
 * an id, and keeps the lock until its end can be seen by all. So: ask which id was given out last, then who has the lock; when
 * none of those has it any more, every id up to that one is committed or lost. (CREATE INDEX CONCURRENTLY waits like this.)
 */
export async function settle(tx: LedgerSql, { settledId, askedId, writers }: Sealing): Promise<void> {
  const asked = askedId ?? (await lastId(tx));
  if (asked <= settledId) return;
  const present = await presentWriters(tx);
  const open = writers === null ? present : writers.filter((writer) => present.includes(writer));
  // A statement of its own, so that it sees what the writers left.
  const [first] =
    open.length > 0
      ? []
      : await tx<{ id: number }[]>`
        SELECT id FROM audit_events AS event
        WHERE id > ${settledId} AND id <= ${asked} AND ${isUnsealed(tx, tx`${settledId}::bigint`)} ORDER BY id LIMIT 1`;
  const settled = open.length > 0 ? settledId : first === undefined ? asked : first.id - 1;
  const done = settled === asked;
  await tx`
    UPDATE audit_sealing SET settled_id = ${settled}, asked_id = ${done ? null : asked}, writers = ${done ? null : open}::text[]`;
}

async function lastId(tx: LedgerSql): Promise<number> {
  const [row] = await tx<[{ last: number }]>`
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS last FROM audit_events_id_seq`;
  return row.last;
}

/** Transactions that may have inserted events and are not over. */
async function presentWriters(tx: LedgerSql): Promise<readonly string[]> {
  const rows = await tx<{ writer: string }[]>`
    SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit_events'::regclass AND mode = 'RowExclusiveLock'
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
  return rows.map(({ writer }) => writer);
}
