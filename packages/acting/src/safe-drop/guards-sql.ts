/** SQL condition on pg_index as `${i}`: the planner uses it, and writes keep it up to date. */
const usable = (i: string): string => `(${i}.indisvalid AND ${i}.indisready AND ${i}.indislive)`;

/** SQL condition on pg_index as `${i}` and a foreign key `f`: the index finds the rows that refer by all columns of the key, in any order. */
const leads = (i: string): string => `(${i}.indnkeyatts >= cardinality(f.conkey)
      AND (SELECT array_agg(k ORDER BY k) FROM unnest((${i}.indkey::int2[])[0:cardinality(f.conkey) - 1]) AS k)
        = (SELECT array_agg(k ORDER BY k) FROM unnest(f.conkey) AS k))`;

/**
 * Why an index may not be dropped, each with its SQL condition on pg_index `i`, its pg_class `x` in schema `n`, and the pg_class `t` of its table. The
 * first that holds is told.
 */
export const guardsSql: readonly { readonly reason: string; readonly condition: string }[] = [
  {
    reason: 'system',
    condition: `n.nspname IN ('pg_catalog', 'information_schema') OR n.nspname ~ '^pg_(toast|temp)' OR x.relpersistence = 't'`,
  },
  { reason: 'invalid', condition: `NOT ${usable('i')}` },
  { reason: 'primary_key', condition: 'i.indisprimary' },
  { reason: 'exclusion_constraint', condition: 'i.indisexclusion' },
  {
    reason: 'constraint',
    condition: `EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.oid AND c.contype IN ('p', 'u', 'x'))`,
  },
  {
    reason: 'foreign_key_target',
    condition: `EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = x.oid AND c.contype = 'f')`,
  },
  { reason: 'unique', condition: 'i.indisunique' },
  { reason: 'replica_identity', condition: 'i.indisreplident' },
  { reason: 'clustered', condition: 'i.indisclustered' },
  { reason: 'partitioned', condition: `x.relkind = 'I'` },
  {
    reason: 'attached_to_partitioned',
    condition: 'EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = x.oid)',
  },
  {
    reason: 'extension',
    condition: `EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid IN (x.oid, t.oid) AND d.deptype IN ('e', 'x'))`,
  },
  {
    reason: 'depended_on',
    condition: `EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = x.oid AND d.deptype = 'n')`,
  },
  {
    reason: 'supports_foreign_key',
    condition: `EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = i.indrelid AND ${leads('i')}
      AND NOT EXISTS (SELECT FROM pg_index o JOIN pg_class ox ON ox.oid = o.indexrelid JOIN pg_am m ON m.oid = ox.relam
        WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND ${usable('o')} AND o.indpred IS NULL
          AND (m.amname IN ('btree', 'gist') OR m.amname = 'hash') AND ${leads('o')}))`,
  },
  {
    // ANALYZE collects what the planner knows of an expression for an index on it, or for extended statistics.
    reason: 'expression_statistics',
    condition: `EXISTS (SELECT FROM generate_series(1, i.indnkeyatts) AS k WHERE i.indkey[k - 1] = 0
      AND NOT EXISTS (SELECT FROM pg_index o CROSS JOIN LATERAL generate_series(1, o.indnkeyatts) AS ok
        WHERE o.indrelid = i.indrelid AND o.indexrelid <> i.indexrelid AND ${usable('o')} AND o.indkey[ok - 1] = 0
          AND pg_get_indexdef(o.indexrelid, ok, false) = pg_get_indexdef(i.indexrelid, k, false))
      AND NOT EXISTS (SELECT FROM pg_statistic_ext s WHERE s.stxrelid = i.indrelid
        AND pg_get_indexdef(i.indexrelid, k, false) = ANY (pg_get_statisticsobjdef_expressions(s.oid))))`,
  },
];
