import type { amcheck } from '@slacktide/checks';
import type { IndexConsistencyConfig } from './schema.ts';

export type Usable = Extract<amcheck.Verifier, { kind: 'usable' }>;

/** How many of verify_heapam's complaints are kept. */
const keptProblems = 20;

/** The statement that verifies a relation, named by its OID: nothing is to be quoted but the schema of amcheck, and that the server did. */
export function statementOf(
  { oid, kind }: Pick<amcheck.RelationRow, 'oid' | 'kind'>,
  { schema, name, parameters }: Usable,
  config: IndexConsistencyConfig,
): string {
  const relation = `${Number(oid)}::pg_catalog.oid::pg_catalog.regclass`;
  if (kind !== 'index')
    return heapStatement(`${schema}.${name}(relation => ${relation}, on_error_stop => false, check_toast => true)`);
  if (name === 'gin_index_check') return `SELECT ${schema}.${name}(index => ${relation})`;
  const parent = name === 'bt_index_parent_check';
  const switches = [
    `heapallindexed => ${config.heapallindexed}`,
    ...(parent ? [`rootdescend => ${config.rootdescend}`] : []),
    ...(parameters === (parent ? 4 : 3) ? [`checkunique => ${config.check_unique}`] : []),
  ];
  return `SELECT ${schema}.${name}(index => ${relation}, ${switches.join(', ')})`;
}

/** All pages, whatever is wrong with the first; the count, and what it says of the first problems. */
function heapStatement(call: string): string {
  return `SELECT count(*)::int4 AS problems, coalesce(json_agg(json_build_object(
  'block', v.blkno::float8, 'item', v.offnum, 'attribute', v.attnum, 'message', v.msg) ORDER BY v.number)
  FILTER (WHERE v.number <= ${keptProblems}), '[]') AS first
FROM (SELECT p.*, row_number() OVER () AS number FROM ${call} AS p) AS v`;
}
