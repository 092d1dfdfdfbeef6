import type { TargetReader } from '@slacktide/application/ports';

/** An index that queries cannot use. */
export interface UnusableIndex {
  readonly oid: number;
  /** Without its schema, as the catalogue has it. */
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** False = its drop has come so far that only a DROP ends it. */
  readonly live: boolean;
  /** Somebody else is building something on the table, or works on this very index. */
  readonly atWork: boolean;
}

/** Who is at work holds SHARE UPDATE EXCLUSIVE on the table or the index: locks are hidden from nobody. VACUUM and ANALYZE make no index. */
const unusableSql = `
SELECT c.oid, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted, i.indislive AS live,
  EXISTS (SELECT FROM pg_locks l
    WHERE l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.relation IN (i.indrelid, i.indexrelid) AND l.granted AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid IS DISTINCT FROM $2::int
      AND NOT EXISTS (SELECT FROM pg_stat_progress_vacuum v WHERE v.pid = l.pid)
      AND NOT EXISTS (SELECT FROM pg_stat_progress_analyze a WHERE a.pid = l.pid)) AS "atWork"
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1::oid AND c.relkind = 'i' AND NOT (i.indisvalid AND i.indisready AND i.indislive)
ORDER BY c.oid`;

/** The indexes of a table that queries cannot use. `pid` is our own acting session. */
export function readUnusable(reader: TargetReader, tableOid: number, pid: number): Promise<UnusableIndex[]> {
  return reader.query<UnusableIndex>(unusableSql, [tableOid, pid]);
}
