import type { TargetReader } from '@slacktide/application/ports';

/** Something that keeps dead rows of this database from being removed. Fields the role may not see are null. */
export interface XminHolder {
  readonly kind: 'session' | 'prepared_transaction' | 'replication_slot' | 'standby_feedback';
  /** Name of the slot, gid of the prepared transaction, else null. */
  readonly name: string | null;
  readonly pid: number | null;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly state: string | null;
  readonly transactionAgeSeconds: number | null;
  /** The transaction id it holds on to. */
  readonly xmin: string;
  /** How many transaction ids back that is. */
  readonly ageTransactions: number;
  /** A slot's catalog_xmin holds the catalogues only, not users' tables. */
  readonly catalogOnly: boolean;
}

/** A running VACUUM and a safe CREATE INDEX CONCURRENTLY hold nobody back; sessions of other databases only shared catalogues. */
const holdersSql = `
SELECT * FROM (
  SELECT CASE WHEN r.pid IS NULL THEN 'session' ELSE 'standby_feedback' END AS kind, NULL::text AS name, a.pid,
    a.usename::text AS "user", a.application_name AS "applicationName", a.state,
    greatest(extract(epoch FROM now() - a.xact_start), 0)::float8 AS "transactionAgeSeconds", x.xid::text AS xmin,
    age(x.xid) AS "ageTransactions", false AS "catalogOnly"
  FROM pg_stat_activity a
  LEFT JOIN pg_stat_replication r ON r.pid = a.pid
  CROSS JOIN LATERAL (VALUES (a.backend_xid), (a.backend_xmin)) AS x (xid)
  WHERE x.xid IS NOT NULL AND a.pid <> pg_backend_pid() AND a.pid <> ALL ($1::int[])
    AND (r.pid IS NOT NULL OR a.datname = current_database())
    AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.pid IN (a.pid, a.leader_pid))
  UNION ALL
  SELECT 'prepared_transaction', gid, NULL, owner::text, NULL, NULL,
    extract(epoch FROM now() - prepared)::float8, transaction::text, age(transaction), false
  FROM pg_prepared_xacts WHERE database = current_database()
  UNION ALL
  SELECT 'replication_slot', s.slot_name::text, s.active_pid, NULL, NULL, CASE WHEN s.active THEN 'active' ELSE 'inactive' END,
    NULL, h.xid::text, age(h.xid), h.catalog_only
  FROM pg_replication_slots s
  CROSS JOIN LATERAL (VALUES (s.xmin, false), (s.catalog_xmin, true)) AS h (xid, catalog_only)
  WHERE h.xid IS NOT NULL
) holders
ORDER BY "ageTransactions" DESC, "transactionAgeSeconds" DESC NULLS LAST`;

/**
 * Everything that holds dead rows of this database back, oldest first; at most one row per session. Read before VACUUM:
 * rows that died after the oldest holder's xmin stay whatever is run. `ignorePids` are our own sessions.
 */
export async function readXminHolders(
  reader: TargetReader,
  ignorePids: readonly number[] = [],
): Promise<readonly XminHolder[]> {
  const holders = await reader.query<XminHolder>(holdersSql, [ignorePids]);
  const seen = new Set<number>();
  // A session's xid and xmin are two rows; the older one, which comes first, is what it holds.
  return holders.filter((holder) => {
    if (holder.kind === 'replication_slot' || holder.pid === null) return true;
    if (seen.has(holder.pid)) return false;
    seen.add(holder.pid);
    return true;
  });
}
