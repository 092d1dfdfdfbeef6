import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { IndexRow } from './read.ts';
import type { IndexFigures } from './waste.ts';

/** What came of measuring one index. */
export type Measurement =
  | { readonly kind: 'measured'; readonly figures: IndexFigures }
  | { readonly kind: 'unmeasured'; readonly reason: string };

/** Nothing is called when somebody has locked the index since it was listed: no row then. */
const freeSql = `
WITH free AS MATERIALIZED (
  SELECT x.oid, x.reloptions, current_setting('block_size')::float8 AS block FROM pg_class x JOIN pg_index i ON i.indexrelid = x.oid
  WHERE x.oid = $1::oid AND NOT EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.relation IN (x.oid, i.indrelid)
      AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))))`;

/** `byDefault` is what the access method fills its pages to. */
function fillfactorSql(byDefault: number): string {
  return `coalesce((SELECT option_value::float8 FROM pg_options_to_table(free.reloptions) WHERE option_name = 'fillfactor'), ${byDefault})`;
}

/** `schema` is where pgstattuple lives, quoted by the server. */
const statements: Readonly<Record<string, (schema: string) => string>> = {
  btree: (schema) => `${freeSql}
SELECT 'btree' AS method, s.index_size::float8 AS "sizeBytes", s.tree_level AS "treeLevel", s.internal_pages::float8 AS "internalPages",
  s.leaf_pages::float8 AS "leafPages", s.empty_pages::float8 AS "emptyPages", s.deleted_pages::float8 AS "deletedPages",
  nullif(s.avg_leaf_density, 'NaN') AS "leafDensity", ${fillfactorSql(90)} AS fillfactor, free.block AS "blockBytes"
FROM free CROSS JOIN LATERAL ${schema}.pgstatindex(free.oid::regclass) AS s`,
  hash: (schema) => `${freeSql}
SELECT 'hash' AS method, pg_relation_size(free.oid)::float8 AS "sizeBytes", s.bucket_pages::float8 AS "bucketPages",
  s.overflow_pages::float8 AS "overflowPages", s.unused_pages::float8 AS "unusedPages", s.free_percent::float8 AS "freePercent",
  ${fillfactorSql(75)} AS fillfactor
FROM free CROSS JOIN LATERAL ${schema}.pgstathashindex(free.oid::regclass) AS s`,
  gin: (schema) => `${freeSql}
SELECT 'gin' AS method, pg_relation_size(free.oid)::float8 AS "sizeBytes", s.pending_pages::float8 AS "pendingPages",
  s.pending_tuples::float8 AS "pendingTuples", free.block AS "blockBytes"
FROM free CROSS JOIN LATERAL ${schema}.pgstatginindex(free.oid::regclass) AS s`,
};

/** How much of an index its measurement reads: of a GIN index only the first page, which knows its pending list. */
export function readBytes({ method, sizeBytes }: IndexRow): number {
  const pageBytes = 8192;
  return method === 'gin' ? pageBytes : (sizeBytes ?? 0);
}

/** A failure is of this index alone, unless the session is over. @throws TargetError */
export async function measureIndex(reader: TargetReader, index: IndexRow, schema: string): Promise<Measurement> {
  const statement = statements[index.method];
  if (statement === undefined) throw new Error(`expected a method that can be measured, got: ${index.method}`);
  try {
    const [figures] = await reader.query<IndexFigures>(statement(schema), [index.oid]);
    // Locked, or dropped, since it was listed.
    return figures === undefined ? { kind: 'unmeasured', reason: 'locked' } : { kind: 'measured', figures };
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    if (error.code === 'lock_timeout') return { kind: 'unmeasured', reason: 'locked' };
    return {
      kind: 'unmeasured',
      reason: error.code === 'statement_failed' ? `unreadable: ${error.message}` : error.code,
    };
  }
}
