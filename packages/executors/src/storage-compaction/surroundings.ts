import type { TargetReader } from '@slacktide/application/ports';

const mebibyte = 1024 * 1024;

/** What decides whether pg_repack can be used in this database at all. */
export interface RepackFacts {
  /** Of the extension in the database; null = it is not installed. */
  readonly extensionVersion: string | null;
  /** Of the program the worker has; null = it has none. */
  readonly programVersion: string | null;
  readonly superuser: boolean;
  /** A publication FOR ALL TABLES: the copy would have no replica identity. Null = there is none. */
  readonly publicationForAll: string | null;
}

export async function readRepackFacts(reader: TargetReader): Promise<RepackFacts> {
  const [row] = await reader.query<Omit<RepackFacts, 'programVersion'>>(`
SELECT (SELECT extversion FROM pg_extension WHERE extname = 'pg_repack') AS "extensionVersion",
  (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
  (SELECT min(pubname::text) FROM pg_publication WHERE puballtables) AS "publicationForAll"`);
  if (row === undefined) throw new Error('a SELECT without FROM returned no row');
  // Nobody is asked about a program that cannot be used.
  const program = row.extensionVersion === null ? undefined : await reader.programVersion?.('pg_repack');
  return { ...row, programVersion: program ?? null };
}

/** Pre-condition of a rewrite; null = not known: `capacity_mb` is not told, or the role may not see all sizes. */
export async function readFreeBytes(reader: TargetReader, capacityMb: number | null): Promise<number | null> {
  if (capacityMb === null) return null;
  const [row] = await reader.query<{ usedBytes: number | null }>(usedSql);
  const usedBytes = row?.usedBytes ?? null;
  return usedBytes === null ? null : Math.max(0, capacityMb * mebibyte - usedBytes);
}

/** All databases and the write-ahead log. The functions refuse what these conditions leave out. */
const usedSql = `
SELECT CASE WHEN bool_and(visible) THEN (sum(CASE WHEN visible THEN pg_database_size(oid) END)
  + CASE WHEN pg_has_role('pg_monitor', 'USAGE') THEN (SELECT coalesce(sum(size), 0) FROM pg_ls_waldir()) ELSE 0 END)::float8 END AS "usedBytes"
FROM (SELECT oid, pg_has_role('pg_read_all_stats', 'USAGE') OR has_database_privilege(oid, 'CONNECT') AS visible FROM pg_database) AS databases`;
