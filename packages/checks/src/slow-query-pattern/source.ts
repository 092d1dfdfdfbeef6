import type { TargetReader } from '@slacktide/application/ports';

/** Where statements can be read here, or why they cannot. */
export type Source =
  | {
      readonly kind: 'usable';
      /** Where the extension lives, quoted by the server. */
      readonly schema: string;
      /** Columns of its view, which differ by its version. */
      readonly columns: readonly string[];
      /** By the settings of our session, which may be our role's alone. */
      readonly records: boolean;
      readonly hasInfo: boolean;
      readonly maxStatements: number;
      readonly tracksPlanning: boolean;
      /** The GRANT that shows the statements of other roles. */
      readonly seeAllGrant: string;
    }
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null };

interface State {
  readonly loaded: boolean;
  readonly installed: boolean;
  readonly records: boolean;
  readonly missingGrant: string | null;
  readonly schema: string | null;
  readonly columns: readonly string[] | null;
  readonly hasInfo: boolean | null;
  readonly maxStatements: number | null;
  readonly tracksPlanning: boolean | null;
  readonly seeAllGrant: string;
}

export async function findSource(reader: TargetReader): Promise<Source> {
  const [state] = await reader.query<State>(stateSql);
  if (state === undefined) throw new Error('a SELECT without FROM returned no row');
  const { schema, columns, hasInfo, maxStatements, tracksPlanning, seeAllGrant } = state;
  if (!state.loaded) {
    const reason =
      'pg_stat_statements is not loaded: add it to shared_preload_libraries, which takes a restart, and create the extension';
    return { kind: 'unusable', reason, grant: state.installed ? null : createExtension };
  }
  if (schema === null || columns === null) {
    return {
      kind: 'unusable',
      reason: 'the extension pg_stat_statements is not installed in this database',
      grant: createExtension,
    };
  }
  if (state.missingGrant !== null) {
    return { kind: 'unusable', reason: 'our role may not read pg_stat_statements', grant: state.missingGrant };
  }
  return {
    kind: 'usable',
    schema,
    columns,
    records: state.records,
    hasInfo: hasInfo === true,
    maxStatements: maxStatements ?? 0,
    tracksPlanning: tracksPlanning === true,
    seeAllGrant,
  };
}

const createExtension = 'CREATE EXTENSION pg_stat_statements';

/** Its settings are in pg_settings only where the library is loaded: a mere line in the configuration file is not. */
const stateSql = `
SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max') AS loaded,
  EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements') AS installed,
  coalesce(current_setting('pg_stat_statements.track', true), '') <> 'none' AND current_setting('compute_query_id') <> 'off' AS records,
  nullif(concat_ws('; ',
    CASE WHEN NOT has_schema_privilege(v.namespace, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %s TO %I', v.schema, current_user) END,
    CASE WHEN NOT has_table_privilege(v.oid, 'SELECT') THEN format('GRANT SELECT ON %s.pg_stat_statements TO %I', v.schema, current_user) END
  ), '') AS "missingGrant",
  v.schema, v.columns, v."hasInfo",
  (SELECT setting::float8 FROM pg_settings WHERE name = 'pg_stat_statements.max') AS "maxStatements",
  (SELECT setting = 'on' FROM pg_settings WHERE name = 'pg_stat_statements.track_planning') AS "tracksPlanning",
  format('GRANT pg_read_all_stats TO %I', current_user) AS "seeAllGrant"
FROM (VALUES (1)) AS one LEFT JOIN (
  SELECT c.oid, n.oid AS namespace, quote_ident(n.nspname) AS schema,
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
    EXISTS (SELECT FROM pg_class i WHERE i.relnamespace = n.oid AND i.relname = 'pg_stat_statements_info') AS "hasInfo"
  FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
    JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'pg_stat_statements'
  WHERE e.extname = 'pg_stat_statements') v ON true`;
