import type { TargetReader } from '@slacktide/application/ports';
import type { Exclusion } from '@slacktide/targets';

/** An index as the catalogue shows it; most figures are of bloom and BRIN indexes only. */
export interface LossyIndex {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  /** The same as a literal of SQL. */
  readonly literal: string;
  readonly tableOid: number;
  readonly quotedTable: string;
  /** Has no storage of its own: its leaves have. */
  readonly partitioned: boolean;
  /** Access method, e.g. `bloom`. */
  readonly method: string;
  readonly valid: boolean;
  readonly exclusion: Exclusion | null;
  readonly definition: string;
  readonly fileNode: number;
  /** Null when it cannot be read without waiting for a lock. */
  readonly sizeBytes: number | null;
  readonly tableBlocks: number | null;
  readonly blockBytes: number;
  /** By the last VACUUM, ANALYZE or build; -1 = never counted. */
  readonly rows: number;
  /** Storage parameters by name; null = none set. */
  readonly options: Readonly<Record<string, string>> | null;
  readonly permitted: boolean;
  readonly grant: string | null;
}

/** From 17 on MAINTAIN on the table is the right to REINDEX; summaries stay the owner's. */
const maintainSince = 170_000;

/** Of: when $1, the indexes $2 with the leaves of what is partitioned; else every bloom and BRIN index that is a user's. */
export function readLossyIndexes(reader: TargetReader, named: boolean, oids: readonly number[]): Promise<LossyIndex[]> {
  const condition = `CASE WHEN $1::boolean THEN c.oid = ANY ($2::oid[])
    OR c.relispartition AND EXISTS (SELECT FROM pg_partition_ancestors(c.oid) AS a WHERE a.relid = ANY ($2::oid[]))
  ELSE c.relkind = 'i' AND am.amname IN ('bloom', 'brin') AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' END`;
  return reader.query<LossyIndex>(indexesSql(reader.serverVersion, condition), [named, oids]);
}

/** The index of this name as it is now; undefined when there is none. By name, for a rebuilt index has another OID. */
export async function readLossyIndex(
  reader: TargetReader,
  schema: string,
  name: string,
): Promise<LossyIndex | undefined> {
  const condition = `n.nspname::text = $1::text AND c.relname::text = $2::text`;
  const [index] = await reader.query<LossyIndex>(indexesSql(reader.serverVersion, condition), [schema, name]);
  return index;
}

function indexesSql(serverVersion: number, condition: string): string {
  const usage = `has_schema_privilege(n.oid, 'USAGE')`;
  const owner = `pg_has_role(c.relowner, 'USAGE')`;
  const maintain = serverVersion >= maintainSince;
  const right = maintain
    ? `CASE am.amname WHEN 'brin' THEN ${owner} ELSE has_table_privilege(t.oid, 'MAINTAIN') END`
    : owner;
  // Nobody is told to become a superuser.
  const ownerCure = `CASE WHEN NOT (SELECT rolsuper FROM pg_roles WHERE oid = c.relowner)
      THEN format('GRANT %I TO %I', pg_get_userbyid(c.relowner), current_user) END`;
  const cure = maintain
    ? `CASE am.amname WHEN 'brin' THEN ${ownerCure} ELSE format('GRANT MAINTAIN ON TABLE %I.%I TO %I', tn.nspname, t.relname, current_user) END`
    : ownerCure;
  return `
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
SELECT c.oid, n.nspname::text AS schema, c.relname::text AS name, format('%I.%I', n.nspname, c.relname) AS quoted,
  quote_literal(format('%I.%I', n.nspname, c.relname)) AS literal, t.oid AS "tableOid",
  format('%I.%I', tn.nspname, t.relname) AS "quotedTable", c.relkind = 'I' AS partitioned, am.amname::text AS method,
  (i.indisvalid AND i.indisready AND i.indislive) AS valid,
  CASE
    WHEN n.nspname IN ('pg_catalog', 'information_schema') OR n.nspname ~ '^pg_toast' THEN 'system'
    WHEN c.relpersistence = 't' THEN 'temporary'
    WHEN EXISTS (SELECT FROM pg_depend d
                 WHERE d.classid = 'pg_class'::regclass AND d.objid IN (c.oid, t.oid) AND d.deptype = 'e') THEN 'extension'
  END AS exclusion,
  pg_get_indexdef(c.oid) AS definition, coalesce(pg_relation_filenode(c.oid), 0)::int8::float8 AS "fileNode",
  CASE WHEN c.relkind = 'i' AND c.oid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(c.oid)::float8 END AS "sizeBytes",
  CASE WHEN c.relkind = 'i' AND t.oid NOT IN (SELECT relation FROM locked)
    THEN (pg_relation_size(t.oid) / current_setting('block_size')::int)::float8 END AS "tableBlocks",
  current_setting('block_size')::float8 AS "blockBytes", c.reltuples::float8 AS rows,
  (SELECT jsonb_object_agg(option_name, option_value) FROM pg_options_to_table(c.reloptions)) AS options,
  (${usage} AND ${right}) AS permitted,
  nullif(concat_ws('; ', CASE WHEN NOT ${usage} THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT ${right} THEN ${cure} END), '') AS "grant"
FROM pg_index i
  JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
  JOIN pg_am am ON am.oid = c.relam
WHERE ${condition}
ORDER BY n.nspname, c.relname`;
}
