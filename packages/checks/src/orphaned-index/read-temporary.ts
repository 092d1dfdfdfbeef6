import type { TargetReader } from '@slacktide/application/ports';
import { despiteLocks } from '../catalogue/despite-locks.ts';
import { exclusivelyLockedSql } from '../catalogue/exclusively-locked.ts';

/** An index in the temporary schema of a session that is gone. */
export interface DeadTemporaryIndex {
  readonly oid: number;
  /** `pg_temp_7`. */
  readonly schema: string;
  readonly name: string;
  readonly table: string;
  /** Its files are gone, too. */
  readonly filesGone: boolean;
  readonly sizeBytes: number;
  readonly definition: string;
}

export interface TemporaryIndexes {
  readonly dead: readonly DeadTemporaryIndex[];
  /** Temporary indexes of this database, dead or not. */
  readonly count: number;
}

/**
 * The number in the schema's name is the session's (BackendId, from 17 on its ProcNumber). From 16 on pg_stat_get_backend_idset() has these
 * numbers; before, its own. A living index has one block at least, so that none at all proves that a crash, or a restore, took the files.
 */
function temporarySql(serverVersion: number): string {
  const gone =
    serverVersion >= 160_000
      ? `NOT EXISTS (SELECT FROM pg_stat_get_backend_idset() AS id WHERE id = substring(s.nspname::text FROM '[0-9]+$')::int
          AND pg_stat_get_backend_dbid(id) = (SELECT oid FROM pg_database WHERE datname = current_database()))`
      : 'false';
  return `
WITH locked AS MATERIALIZED (${exclusivelyLockedSql}),
temporary AS MATERIALIZED (
  SELECT x.oid, s.nspname, x.relname, t.relname AS "table", ${gone} AS gone,
    coalesce(pg_relation_size(x.oid), 0)::float8 AS size
  FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace s ON s.oid = x.relnamespace
  WHERE s.nspname ~ '^pg_temp_[0-9]{1,9}$' AND x.relkind = 'i'
    AND NOT EXISTS (SELECT FROM locked WHERE relation IN (x.oid, t.oid))
)
SELECT oid, nspname::text AS schema, relname::text AS name, "table"::text AS "table", size = 0 AS "filesGone", size AS "sizeBytes",
  pg_get_indexdef(oid) AS definition
FROM temporary WHERE gone OR size = 0
ORDER BY 2, 3`;
}

const countSql = `SELECT count(*)::int AS count FROM pg_class x JOIN pg_namespace s ON s.oid = x.relnamespace
WHERE s.nspname ~ '^pg_temp_[0-9]{1,9}$' AND x.relkind = 'i'`;

/** Looks twice where it finds any: a session that ends while we look takes its indexes with it. */
export async function readTemporaryIndexes(reader: TargetReader): Promise<TemporaryIndexes> {
  const sql = temporarySql(reader.serverVersion);
  const look = () => despiteLocks(() => reader.query<DeadTemporaryIndex>(sql));
  const [counted] = await reader.query<{ count: number }>(countSql);
  const count = counted?.count ?? 0;
  const first = count === 0 ? [] : await look();
  if (first.length === 0) return { dead: [], count };
  const again = await look();
  const before = new Set(first.map(({ oid }) => oid));
  return { dead: again.filter(({ oid, definition }) => before.has(oid) && definition !== null), count };
}
