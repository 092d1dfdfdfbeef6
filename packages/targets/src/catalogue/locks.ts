import type {
  LockLook,
  SnapshotHolder,
  TableLockHolder,
  TargetReader,
  WorkedTable,
} from '@slacktide/application/ports';
import { outlivedSnapshotSql } from './outlived-snapshots.ts';

/** Who has or waits for locks on these tables, and who has snapshots: three statements, however many tables. Takes no lock itself. */
export async function readLocks(reader: TargetReader, tables: readonly WorkedTable[]): Promise<LockLook> {
  if (tables.length === 0) return { tables: [], snapshots: [] };
  const resolved = await reader.query<{ position: number; oid: number }>(resolveSql, [JSON.stringify(tables)]);
  const oids = new Map(resolved.map(({ position, oid }) => [position, oid]));
  const rows = await reader.query<TableLockHolder & { tableOid: number }>(locksSql, [[...new Set(oids.values())]]);
  const holders = Map.groupBy(rows, ({ tableOid }) => tableOid);
  return {
    tables: tables.map((_, at) => {
      const oid = oids.get(at + 1);
      return oid === undefined ? undefined : (holders.get(oid) ?? []).map(({ tableOid: __, ...holder }) => holder);
    }),
    snapshots: await reader.query<SnapshotHolder>(snapshotsSql),
  };
}

/** What is known by its OID alone is never looked for by its name: another one may have it by now. */
const resolveSql = `
SELECT position::int, oid FROM (
  SELECT position, CASE WHEN asked.oid IS NOT NULL THEN (SELECT c.oid FROM pg_class c WHERE c.oid = asked.oid::oid) ELSE coalesce(
    (SELECT coalesce(i.indrelid, c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      LEFT JOIN pg_index i ON i.indexrelid = c.oid
      WHERE n.nspname::text = asked.schema AND c.relname::text = asked.name AND c.relkind IN ('r', 'p', 'm', 'f', 'i', 'I')),
    (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname::text = asked.schema AND c.relname::text = asked."table" AND c.relkind IN ('r', 'p', 'm', 'f'))) END AS oid
  FROM ROWS FROM (jsonb_to_recordset($1::jsonb) AS (oid int8, schema text, name text, "table" text))
    WITH ORDINALITY AS asked (oid, schema, name, "table", position)) AS each
WHERE oid IS NOT NULL`;

/** A prepared transaction has locks, and no session. */
const locksSql = `
SELECT l.relation AS "tableOid", l.pid, coalesce(a.usename, px.owner)::text AS "user", a.application_name AS "applicationName",
  extract(epoch FROM now() - coalesce(a.xact_start, px.prepared))::float8 AS "transactionAgeSeconds", l.mode, l.granted
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
  LEFT JOIN pg_locks t ON l.pid IS NULL AND t.locktype = 'transactionid' AND t.virtualtransaction = l.virtualtransaction AND t.granted
  LEFT JOIN pg_prepared_xacts px ON px.transaction = t.transactionid
WHERE l.locktype = 'relation' AND l.relation = ANY ($1::oid[]) AND l.pid IS DISTINCT FROM pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
ORDER BY a.xact_start, l.pid, l.mode`;

const snapshotsSql = `
SELECT a.pid, a.usename::text AS "user", a.application_name AS "applicationName",
  extract(epoch FROM now() - a.xact_start)::float8 AS "transactionAgeSeconds"
FROM pg_stat_activity a
WHERE a.datid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND a.pid <> pg_backend_pid()
  AND ${outlivedSnapshotSql}
ORDER BY a.xact_start`;
