import type { TargetReader } from '@slacktide/application/ports';

/**
 * Bytes of dirty buffers by pg_buffercache: what a checkpoint has to write. Null when the extension is absent or the role
 * may not use it (pg_monitor may). Its version decides how: `pg_buffercache_summary()` came with 1.4 (PostgreSQL 16) and takes no locks.
 */
export async function readDirtyBytes(reader: TargetReader): Promise<number | null> {
  const [extension] = await reader.query<{ schema: string; summary: boolean; permitted: boolean }>(`
SELECT quote_ident(n.nspname) AS schema, s.oid IS NOT NULL AS summary,
  has_schema_privilege(n.oid, 'USAGE') AND CASE WHEN s.oid IS NOT NULL THEN has_function_privilege(s.oid, 'EXECUTE')
    ELSE has_table_privilege(v.oid, 'SELECT') AND has_function_privilege(p.oid, 'EXECUTE') END AS permitted
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
  LEFT JOIN pg_proc s ON s.pronamespace = n.oid AND s.proname = 'pg_buffercache_summary'
  LEFT JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = 'pg_buffercache_pages'
  LEFT JOIN pg_class v ON v.relnamespace = n.oid AND v.relname = 'pg_buffercache'
WHERE e.extname = 'pg_buffercache'`);
  if (extension === undefined || !extension.permitted) return null;
  const buffers = extension.summary
    ? `SELECT buffers_dirty AS dirty FROM ${extension.schema}.pg_buffercache_summary()`
    : `SELECT count(*) AS dirty FROM ${extension.schema}.pg_buffercache WHERE isdirty`;
  const [row] = await reader.query<{ bytes: number }>(
    `SELECT dirty * current_setting('block_size')::float8 AS bytes FROM (${buffers}) AS buffers`,
  );
  return row?.bytes ?? null;
}
