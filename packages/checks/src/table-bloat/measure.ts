import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { TableRow } from './read.ts';
import { type HeapFigures, wasteOf } from './waste.ts';

/** What came of measuring one table. */
export type Measurement =
  | { readonly kind: 'measured'; readonly figures: HeapFigures; readonly bytesRead: number }
  | { readonly kind: 'unmeasured'; readonly reason: string; readonly bytesRead: number };

/** Of the table $1, which belongs to $2: nothing is called when somebody has locked it since it was listed, no row then. */
const freeSql = `
WITH locks AS MATERIALIZED (
  SELECT mode, granted, pid FROM pg_locks WHERE locktype = 'relation' AND relation IN ($1::oid, $2::oid)
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())),
free AS MATERIALIZED (
  SELECT c.oid, current_setting('block_size')::float8 AS "blockBytes",
    coalesce((SELECT option_value::float8 FROM pg_options_to_table(c.reloptions) WHERE option_name = 'fillfactor'), 100) AS fillfactor,
    EXISTS (SELECT FROM locks WHERE mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()) AS written
  FROM pg_class c WHERE c.oid = $1::oid AND NOT EXISTS (SELECT FROM locks WHERE mode = 'AccessExclusiveLock'))`;

/** Reads the pages that are not all visible, and takes the free space map's word for the others. `schema` is quoted by the server. */
const quickSql = (schema: string): string => `${freeSql}
SELECT s.table_len::float8 AS "sizeBytes", s.scanned_percent::float8 AS "scannedPercent", s.approx_tuple_count::float8 AS "liveRows",
  s.approx_tuple_len::float8 AS "liveBytes", s.dead_tuple_count::float8 AS "deadRows", s.dead_tuple_percent::float8 AS "deadPercent",
  s.approx_free_percent::float8 AS "freePercent", free.fillfactor, free."blockBytes", free.written AS "openRowsCountAsDead"
FROM free CROSS JOIN LATERAL ${schema}.pgstattuple_approx(free.oid::regclass) AS s`;

/** Reads every page, and tells rows of open transactions from dead ones. */
const exactSql = (schema: string): string => `${freeSql}
SELECT s.table_len::float8 AS "sizeBytes", 100::float8 AS "scannedPercent", s.tuple_count::float8 AS "liveRows",
  s.tuple_len::float8 AS "liveBytes", s.dead_tuple_count::float8 AS "deadRows", s.dead_tuple_percent::float8 AS "deadPercent",
  s.free_percent::float8 AS "freePercent", free.fillfactor, free."blockBytes", false AS "openRowsCountAsDead"
FROM free CROSS JOIN LATERAL ${schema}.pgstattuple(free.oid::regclass) AS s`;

/** Whether somebody has begun to write meanwhile. */
const writtenSql = `${freeSql} SELECT written FROM free`;

/**
 * Measures a table. What looks like dead rows while somebody writes is measured again, exactly, if `budgetBytes` allows: pgstattuple_approx
 * takes the rows of a load that has not committed for dead. A failure is of this table alone, unless the session is over. @throws TargetError
 */
export async function measureTable(
  reader: TargetReader,
  table: TableRow,
  { schema, thresholdPercent, budgetBytes }: { schema: string; thresholdPercent: number; budgetBytes: number },
): Promise<Measurement> {
  let bytesRead = 0;
  const measure = async (sql: string): Promise<HeapFigures | undefined> => {
    const [figures] = await reader.query<HeapFigures>(sql, [table.oid, table.ownerOid]);
    bytesRead += figures === undefined ? 0 : (figures.scannedPercent / 100) * figures.sizeBytes;
    return figures;
  };
  try {
    const quick = await measure(quickSql(schema));
    // Locked, or dropped, since it was listed.
    if (quick === undefined) return { kind: 'unmeasured', reason: 'locked', bytesRead };
    const { percent, mainly } = wasteOf(quick);
    if (percent < thresholdPercent || mainly === 'free_space') return { kind: 'measured', figures: quick, bytesRead };
    const [now] = await reader.query<{ written: boolean }>(writtenSql, [table.oid, table.ownerOid]);
    if (!quick.openRowsCountAsDead && now?.written !== true) return { kind: 'measured', figures: quick, bytesRead };
    if (bytesRead + quick.sizeBytes > budgetBytes) {
      return { kind: 'unmeasured', reason: 'rows_of_open_transactions', bytesRead };
    }
    const exact = await measure(exactSql(schema));
    return exact === undefined
      ? { kind: 'unmeasured', reason: 'locked', bytesRead }
      : { kind: 'measured', figures: exact, bytesRead };
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    const reason = { lock_timeout: 'locked', statement_failed: `unreadable: ${error.message}` }[error.code as string];
    return { kind: 'unmeasured', reason: reason ?? error.code, bytesRead: bytesRead + table.readBytes };
  }
}
