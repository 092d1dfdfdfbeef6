import type { TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';

/** Something that keeps old transaction ids from being frozen. */
export interface Holder {
  readonly kind: 'session' | 'prepared_transaction' | 'replication_slot' | 'standby_feedback';
  /** Name of the slot, gid of the prepared transaction, application name of the session or standby. */
  readonly name: string | null;
  readonly pid: number | null;
  readonly user: string | null;
  /** Whose tables it holds back; null = those of every database. */
  readonly database: string | null;
  /** How many transaction ids back it holds. */
  readonly ageTransactions: number;
  /** Since when its transaction is open; null = not to be seen, or no transaction. */
  readonly ageSeconds: number | null;
  /** A slot's catalog_xmin holds back catalogues only. */
  readonly catalogOnly: boolean;
}

/** Of the whole server, the oldest first. A VACUUM holds nobody back. */
export async function readHolders(reader: TargetReader): Promise<readonly Holder[]> {
  return reader.query<Holder>(`
SELECT * FROM (
  SELECT CASE WHEN r.pid IS NULL THEN 'session' ELSE 'standby_feedback' END AS kind, a.application_name AS name, a.pid,
    a.usename::text AS "user", CASE WHEN r.pid IS NULL THEN a.datname::text END AS database,
    greatest(age(a.backend_xid), age(a.backend_xmin)) AS "ageTransactions",
    greatest(extract(epoch FROM now() - a.xact_start), 0)::float8 AS "ageSeconds", false AS "catalogOnly"
  FROM pg_stat_activity a LEFT JOIN pg_stat_replication r ON r.pid = a.pid
  WHERE coalesce(a.backend_xid, a.backend_xmin) IS NOT NULL AND a.pid <> pg_backend_pid()
    AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum p WHERE p.pid IN (a.pid, a.leader_pid))
  UNION ALL
  SELECT 'prepared_transaction', gid, NULL, owner::text, database::text, age(transaction),
    extract(epoch FROM now() - prepared)::float8, false
  FROM pg_prepared_xacts
  UNION ALL
  SELECT 'replication_slot', s.slot_name::text, s.active_pid, NULL, NULL, age(h.xid), NULL, h.catalog_only
  FROM pg_replication_slots s
  CROSS JOIN LATERAL (VALUES (s.xmin, false), (s.catalog_xmin, true)) AS h (xid, catalog_only)
  WHERE h.xid IS NOT NULL
) holders
ORDER BY "ageTransactions" DESC, "ageSeconds" DESC NULLS LAST LIMIT 50`);
}

/** Those that keep `database` from getting younger than `age`, catalogues included or its tables alone. */
export function holdersBeyond(
  holders: readonly Holder[],
  { database, age, catalogues }: { database: string; age: number; catalogues: boolean },
): readonly Holder[] {
  return holders.filter(
    (holder) =>
      holder.ageTransactions >= age &&
      (holder.database === null || holder.database === database) &&
      (catalogues || !holder.catalogOnly),
  );
}

export function holderJson(holder: Holder): JsonObject {
  return {
    kind: holder.kind,
    name: holder.name,
    pid: holder.pid,
    user: holder.user,
    database: holder.database,
    age_transactions: holder.ageTransactions,
    age_seconds: holder.ageSeconds === null ? null : Math.round(holder.ageSeconds),
    catalogues_only: holder.catalogOnly,
  };
}
