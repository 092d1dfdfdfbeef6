import type { LedgerSql } from '../sql.ts';

/** Days, e.g. `2026-11-22`, that have partitions and were over `retentionHours` ago by the ledger's clock; oldest first. */
export async function listDays(sql: LedgerSql, retentionHours: number): Promise<readonly string[]> {
  const rows = await sql<{ day: string }[]>`
    SELECT day::text FROM pg_inherits
    JOIN pg_class ON pg_class.oid = inhrelid,
    LATERAL (SELECT to_date(right(relname, 8), 'YYYYMMDD') AS day) AS parsed
    WHERE inhparent = 'jobs'::regclass
      AND (day + 1)::timestamp AT TIME ZONE 'UTC' <= now() - ${retentionHours} * interval '1 hour'
    ORDER BY day`;
  return rows.map(({ day }) => day);
}
