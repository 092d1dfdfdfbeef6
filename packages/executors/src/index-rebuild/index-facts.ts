import type { Exclusion } from '@slacktide/targets';

/** An index as the catalogue shows it. */
export interface IndexFacts {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  readonly tableOid: number;
  readonly quotedTable: string;
  /** Has no storage of its own: its leaves have. */
  readonly partitioned: boolean;
  /** Access method, e.g. `btree`. */
  readonly method: string;
  readonly valid: boolean;
  readonly exclusionConstraint: boolean;
  /** `toast`: on the TOAST table of one of the tables. */
  readonly exclusion: Exclusion | 'toast' | null;
  /** Null when it cannot be read without waiting for a lock. */
  readonly sizeBytes: number | null;
  readonly tableSizeBytes: number | null;
  /** Percent; the default of btree is 90. */
  readonly fillfactor: number;
  /** Names of invalid indexes on the same table, in the same schema. */
  readonly invalidSiblings: readonly string[];
  readonly permitted: boolean;
  readonly grant: string | null;
}

/** From 17 on MAINTAIN on the table is the right to REINDEX; before, only the owner has it. */
const maintainSince = 170_000;

/** SQL expressions on the index `c`, its schema `n` and its table `t`: may this session REINDEX it, and what GRANT is missing. */
export function reindexRightsSql(serverVersion: number): { readonly permitted: string; readonly grant: string } {
  const usage = `has_schema_privilege(n.oid, 'USAGE')`;
  const right =
    serverVersion >= maintainSince ? `has_table_privilege(t.oid, 'MAINTAIN')` : `pg_has_role(c.relowner, 'USAGE')`;
  const cure =
    serverVersion >= maintainSince
      ? `format('GRANT MAINTAIN ON TABLE %I.%I TO %I', n.nspname, t.relname, current_user)`
      : // Nobody is told to become a superuser.
        `CASE WHEN NOT (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner)
      THEN format('GRANT %I TO %I', pg_get_userbyid(c.relowner), current_user) END`;
  return {
    permitted: `(${usage} AND ${right})`,
    grant: `nullif(concat_ws('; ', CASE WHEN NOT ${usage} THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT ${right} THEN ${cure} END), '')`,
  };
}

/** SQL expression on pg_index `i`: usable and kept up to date. */
export const validSql = '(i.indisvalid AND i.indisready AND i.indislive)';

/**
 * `IndexFacts` of: when $1, the indexes $2 and all indexes of the tables $3 and of their TOAST tables, with the leaves of what is partitioned;
 * else every index that is a user's, in the schemas $4 (all when empty). Sizes are not read under ACCESS EXCLUSIVE.
 */
export function indexesSql(serverVersion: number): string {
  const rights = reindexRightsSql(serverVersion);
  return `
WITH named AS (
  SELECT oid FROM unnest($2::oid[]) AS root (oid)
  UNION SELECT leaf.relid FROM unnest($2::oid[]) AS root (oid), pg_partition_tree(root.oid) AS leaf WHERE leaf.isleaf
), tables AS (
  SELECT oid FROM unnest($3::oid[]) AS root (oid)
  UNION SELECT leaf.relid FROM unnest($3::oid[]) AS root (oid), pg_partition_tree(root.oid) AS leaf WHERE leaf.isleaf
), toasted AS (
  SELECT reltoastrelid AS oid FROM pg_class WHERE oid IN (SELECT oid FROM tables)
), locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks
  WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode = 'AccessExclusiveLock'
)
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  t.oid AS "tableOid", format('%I.%I', n.nspname, t.relname) AS "quotedTable",
  c.relkind = 'I' AS partitioned, am.amname::text AS method, ${validSql} AS valid, i.indisexclusion AS "exclusionConstraint",
  CASE
    WHEN n.nspname IN ('pg_catalog', 'information_schema') THEN 'system'
    WHEN n.nspname ~ '^pg_toast' THEN 'toast'
    WHEN c.relpersistence = 't' THEN 'temporary'
    WHEN EXISTS (SELECT FROM pg_depend d
                 WHERE d.classid = 'pg_class'::regclass AND d.objid IN (c.oid, t.oid) AND d.deptype = 'e') THEN 'extension'
  END AS exclusion,
  CASE WHEN c.relkind = 'i' AND c.oid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(c.oid)::float8 END AS "sizeBytes",
  CASE WHEN c.relkind = 'i' AND t.oid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(t.oid)::float8 END AS "tableSizeBytes",
  coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 90) AS fillfactor,
  ARRAY(SELECT s.relname::text FROM pg_index i JOIN pg_class s ON s.oid = i.indexrelid
        WHERE i.indrelid = t.oid AND s.oid <> c.oid AND NOT ${validSql} ORDER BY 1) AS "invalidSiblings",
  ${rights.permitted} AS permitted, ${rights.grant} AS "grant"
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = i.indrelid
JOIN pg_am am ON am.oid = c.relam
WHERE CASE WHEN $1::boolean THEN c.oid IN (SELECT oid FROM named) OR t.oid IN (SELECT oid FROM tables UNION ALL SELECT oid FROM toasted)
  ELSE c.relkind = 'i' AND c.relpersistence <> 't' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_(toast|temp)' AND (cardinality($4::text[]) = 0 OR n.nspname::text = ANY ($4::text[])) END
ORDER BY n.nspname, c.relname`;
}
