import type { TargetReader } from '@slacktide/application/ports';

/** A transaction prepared for a two-phase commit that the configuration names. */
export interface PreparedTransaction {
  readonly gid: string;
  readonly owner: string;
  readonly preparedAt: string;
  readonly seconds: number;
  /** Of the current database: in another one it cannot be ended from here. */
  readonly isHere: boolean;
  readonly permitted: boolean;
  /** Null = only a superuser may. */
  readonly grant: string | null;
  /** Ends it; quoted by the server. */
  readonly rollbackSql: string;
}

const preparedSql = `
SELECT x.gid, x.owner::text, x.prepared::text AS "preparedAt", extract(epoch FROM clock_timestamp() - x.prepared)::float8 AS seconds,
  x.database = current_database() AS "isHere",
  current_user = x.owner OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS permitted,
  NULL::text AS "grant", format('ROLLBACK PREPARED %L', x.gid) AS "rollbackSql"
FROM pg_prepared_xacts x WHERE x.gid = ANY ($1::text[]) ORDER BY x.prepared`;

/** Of these gids, those that are there. */
export async function readPrepared(
  reader: TargetReader,
  gids: readonly string[],
): Promise<readonly PreparedTransaction[]> {
  return gids.length === 0 ? [] : await reader.query<PreparedTransaction>(preparedSql, [gids]);
}
