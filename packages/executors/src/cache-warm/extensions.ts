import type { TargetReader } from '@slacktide/application/ports';

/** A function of an extension, not one that somebody named alike. */
export type ExtensionFunction =
  | { readonly kind: 'usable' /** `schema`, quoted by the server. */; readonly schema: string }
  | { readonly kind: 'unusable'; readonly reason: string /** What cures it. */; readonly grant: string };

interface Row {
  readonly schema: string;
  /** Null when nothing is missing. */
  readonly grant: string | null;
}

const functionSql = `
SELECT quote_ident(n.nspname) AS schema, nullif(concat_ws('; ',
    CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') THEN format('GRANT USAGE ON SCHEMA %I TO %I', n.nspname, current_user) END,
    CASE WHEN NOT has_function_privilege(p.oid, 'EXECUTE') THEN format('GRANT EXECUTE ON FUNCTION %s TO %I', p.oid::regprocedure, current_user) END,
    CASE WHEN v.oid IS NOT NULL AND NOT has_table_privilege(v.oid, 'SELECT') THEN format('GRANT SELECT ON %I.%I TO %I', n.nspname, v.relname, current_user) END),
  '') AS "grant"
FROM pg_extension e
  JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
  JOIN pg_proc p ON p.oid = d.objid AND p.proname = $2
  JOIN pg_namespace n ON n.oid = p.pronamespace
  LEFT JOIN pg_class v ON v.relnamespace = n.oid AND v.relname = $3
WHERE e.extname = $1 LIMIT 1`;

async function readFunction(reader: TargetReader, extension: string, name: string, view: string | null) {
  const [row] = await reader.query<Row>(functionSql, [extension, name, view]);
  if (row === undefined) {
    return { kind: 'unusable', reason: `${extension}_missing`, grant: `CREATE EXTENSION ${extension}` } as const;
  }
  return row.grant === null
    ? ({ kind: 'usable', schema: row.schema } as const)
    : ({ kind: 'unusable', reason: 'insufficient_privilege', grant: row.grant } as const);
}

export function readPrewarm(reader: TargetReader): Promise<ExtensionFunction> {
  return readFunction(reader, 'pg_prewarm', 'pg_prewarm', null);
}

/** Tells what is in the cache; without it everything is done all the same, and less is known. */
export function readBuffercache(reader: TargetReader): Promise<ExtensionFunction> {
  return readFunction(reader, 'pg_buffercache', 'pg_buffercache_pages', 'pg_buffercache');
}

/**
 * How many blocks of each relation are in the cache, by filenode; only whole blocks of the main fork. Reads every buffer's header, without locks that
 * others would wait for. Empty when pg_buffercache cannot be used.
 */
export async function readCachedBlocks(
  reader: TargetReader,
  buffercache: ExtensionFunction,
  filenodes: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (buffercache.kind === 'unusable' || filenodes.length === 0) return new Map();
  const rows = await reader.query<{ filenode: number; blocks: number }>(
    `SELECT relfilenode AS filenode, count(*)::float8 AS blocks FROM ${buffercache.schema}.pg_buffercache
WHERE reldatabase = (SELECT oid FROM pg_database WHERE datname = current_database()) AND relforknumber = 0
  AND relfilenode = ANY ($1::oid[])
GROUP BY 1`,
    [filenodes],
  );
  return new Map(rows.map(({ filenode, blocks }) => [filenode, blocks]));
}
