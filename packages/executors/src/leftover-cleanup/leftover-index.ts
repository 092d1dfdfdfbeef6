import type { TargetReader } from '@slacktide/application/ports';

/** An index that a check found to be left over, as the catalogue has it. */
export interface LeftoverIndex {
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  /** `schema.name`, quoted by the server. */
  readonly quoted: string;
  readonly tableOid: number;
  readonly quotedTable: string;
  /** False = its drop has come so far that only a DROP ends it. */
  readonly live: boolean;
  /** 0 while somebody has it locked. */
  readonly sizeBytes: number;
  readonly tableSizeBytes: number;
  /** Of dropping it, and of rebuilding it: what is missing; null = nothing. `` = no GRANT cures it. */
  readonly dropGrant: string | null;
  readonly rebuildGrant: string | null;
}

/** From 17 on MAINTAIN on the table is the right to REINDEX; to drop an index is for its owner, and for that of its schema. */
const maintainSince = 170_000;

function leftoversSql(serverVersion: number): string {
  const usage = `has_schema_privilege(n.oid, 'USAGE')`;
  const owns = `pg_has_role(x.relowner, 'USAGE')`;
  const ownership = `CASE WHEN NOT (SELECT rolsuper FROM pg_roles WHERE oid = x.relowner)
      THEN format('GRANT %I TO %I', pg_get_userbyid(x.relowner), current_user) END`;
  const drops = `(${owns} OR pg_has_role(n.nspowner, 'USAGE'))`;
  const maintains = serverVersion >= maintainSince ? `has_table_privilege(t.oid, 'MAINTAIN')` : owns;
  const maintenance =
    serverVersion >= maintainSince
      ? `format('GRANT MAINTAIN ON TABLE %I.%I TO %I', n.nspname, t.relname, current_user)`
      : ownership;
  const missing = (right: string, cure: string): string => `CASE WHEN NOT (${usage} AND ${right}) THEN concat_ws('; ',
    CASE WHEN NOT ${usage} THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END, CASE WHEN NOT ${right} THEN ${cure} END) END`;
  return `
WITH locked AS MATERIALIZED (
  SELECT DISTINCT relation FROM pg_locks WHERE locktype = 'relation' AND mode = 'AccessExclusiveLock'
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
SELECT x.oid, n.nspname::text AS schema, x.relname::text AS name, format('%I.%I', n.nspname, x.relname) AS quoted, t.oid AS "tableOid",
  format('%I.%I', tn.nspname, t.relname) AS "quotedTable", i.indislive AS live,
  CASE WHEN x.relkind = 'i' AND x.oid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(x.oid) ELSE 0 END::float8 AS "sizeBytes",
  CASE WHEN t.relkind <> 'p' AND t.oid NOT IN (SELECT relation FROM locked) THEN pg_relation_size(t.oid) ELSE 0 END::float8 AS "tableSizeBytes",
  ${missing(drops, ownership)} AS "dropGrant", ${missing(maintains, maintenance)} AS "rebuildGrant"
FROM unnest($1::text[], $2::text[]) AS asked (schema, name)
JOIN pg_namespace n ON n.nspname::text = asked.schema JOIN pg_class x ON x.relnamespace = n.oid AND x.relname::text = asked.name
JOIN pg_index i ON i.indexrelid = x.oid JOIN pg_class t ON t.oid = i.indrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace`;
}

/** The indexes of these names; those that are gone are left out. */
export function readLeftoverIndexes(
  reader: TargetReader,
  names: readonly { readonly schema: string | null; readonly name: string }[],
): Promise<LeftoverIndex[]> {
  if (names.length === 0) return Promise.resolve([]);
  return reader.query<LeftoverIndex>(leftoversSql(reader.serverVersion), [
    names.map(({ schema }) => schema),
    names.map(({ name }) => name),
  ]);
}
