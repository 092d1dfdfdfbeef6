import type { TargetReader } from '@slacktide/application/ports';

/** What a look at the load may read on this server, as this role. */
export interface LoadRights {
  /** Sees what others do, and the size of every database. */
  readonly seesAll: boolean;
  readonly listsArchive: boolean;
  readonly listsWal: boolean;
  /** From 17 on, checkpoints are counted in a view of their own. */
  readonly hasCheckpointer: boolean;
  readonly archives: boolean;
  /** The GRANTs that show what sessions do, and what is in directories. */
  readonly statsGrant: string;
  readonly directoriesGrant: string;
}

export async function readRights(reader: TargetReader): Promise<LoadRights> {
  const [rights] = await reader.query<LoadRights>(rightsSql);
  if (rights === undefined) throw new Error('a SELECT without FROM returned no row');
  return rights;
}

const rightsSql = `
SELECT pg_has_role('pg_read_all_stats', 'USAGE') AS "seesAll",
  has_function_privilege('pg_ls_archive_statusdir()', 'EXECUTE') AS "listsArchive",
  has_function_privilege('pg_ls_waldir()', 'EXECUTE') AS "listsWal",
  to_regclass('pg_catalog.pg_stat_checkpointer') IS NOT NULL AS "hasCheckpointer",
  current_setting('archive_mode') <> 'off' AS archives,
  format('GRANT pg_read_all_stats TO %I', current_user) AS "statsGrant",
  format('GRANT pg_monitor TO %I', current_user) AS "directoriesGrant"`;
