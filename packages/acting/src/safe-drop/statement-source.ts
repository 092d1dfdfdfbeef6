import type { TargetReader } from '@slacktide/application/ports';

/** Where executed statements can be read here, or why they cannot. */
export type StatementSource =
  | {
      readonly kind: 'usable';
      /** Where the extension lives, quoted by the server. */
      readonly schema: string;
      /** From 17 on each row says since when it counts. */
      readonly tellsSince: boolean;
      /** From 14 on: since when all rows count. */
      readonly tellsReset: boolean;
    }
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null };

interface State {
  readonly loaded: boolean;
  readonly records: boolean;
  readonly missingGrant: string | null;
  readonly hiddenGrant: string | null;
  readonly schema: string | null;
  readonly tellsSince: boolean | null;
  readonly tellsReset: boolean | null;
}

/** Its settings are in pg_settings only where the library is loaded. Who may not see the statements of others would judge by none of them. */
const stateSql = `
SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max') AS loaded,
  coalesce(current_setting('pg_stat_statements.track', true), '') <> 'none' AND current_setting('compute_query_id') <> 'off' AS records,
  CASE WHEN NOT pg_has_role('pg_read_all_stats', 'USAGE') THEN format('GRANT pg_read_all_stats TO %I', current_user) END AS "hiddenGrant",
  nullif(concat_ws('; ',
    CASE WHEN NOT has_schema_privilege(v.namespace, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %s TO %I', v.schema, current_user) END,
    CASE WHEN NOT has_table_privilege(v.oid, 'SELECT') THEN format('GRANT SELECT ON %s.pg_stat_statements TO %I', v.schema, current_user) END
  ), '') AS "missingGrant",
  v.schema, v."tellsSince", v."tellsReset"
FROM (VALUES (1)) AS one LEFT JOIN (
  SELECT c.oid, n.oid AS namespace, quote_ident(n.nspname) AS schema,
    EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'stats_since' AND NOT attisdropped) AS "tellsSince",
    EXISTS (SELECT FROM pg_class i WHERE i.relnamespace = n.oid AND i.relname = 'pg_stat_statements_info') AS "tellsReset"
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'pg_stat_statements'
  WHERE e.extname = 'pg_stat_statements') v ON true`;

/** Looks for pg_stat_statements, and whether all of it can be seen. */
export async function findStatementSource(reader: TargetReader): Promise<StatementSource> {
  const [state] = await reader.query<State>(stateSql);
  if (state === undefined) throw new Error('a SELECT without FROM returned no row');
  const { loaded, records, missingGrant, hiddenGrant, schema, tellsSince, tellsReset } = state;
  const unusable = (reason: string, grant: string | null) => ({ kind: 'unusable', reason, grant }) as const;
  if (!loaded) return unusable('pg_stat_statements_not_loaded', null);
  if (schema === null) return unusable('pg_stat_statements_not_installed', 'CREATE EXTENSION pg_stat_statements');
  if (missingGrant !== null) return unusable('pg_stat_statements_not_readable', missingGrant);
  if (hiddenGrant !== null) return unusable('statements_of_others_hidden', hiddenGrant);
  if (!records) return unusable('pg_stat_statements_records_nothing', null);
  return { kind: 'usable', schema, tellsSince: tellsSince === true, tellsReset: tellsReset === true };
}
