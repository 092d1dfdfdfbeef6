import type { TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type Counter, counterOf, type ProgressView } from './progress-counters.ts';

/** One look at what pg_stat_progress_* says of a session. */
export interface ProgressReading {
  readonly view: ProgressView;
  /** As PostgreSQL names it, e.g. `building index: scanning table`. */
  readonly phase: string;
  /** The table at work. */
  readonly tableOid: number | null;
  /** The index being built; null in other views and before it exists. */
  readonly indexOid: number | null;
  /** How far this phase is; null in waiting phases and where PostgreSQL does not count. */
  readonly counter: Counter | null;
  /** Pid of the session being waited for; null when none. */
  readonly lockerPid: number | null;
  /** The row as the server gives it; its columns differ between majors. */
  readonly columns: JsonObject;
}

/** The row as jsonb: columns that a major renamed or lacks are then a matter of keys, not of SQL that fails to parse. */
const progressSql = (['create_index', 'vacuum', 'analyze', 'cluster'] as const)
  .map(
    (view) => `SELECT '${view}' AS view, to_jsonb(p) AS columns FROM pg_stat_progress_${view} p
    WHERE p.pid = $1 AND p.datname = current_database()`,
  )
  .join(' UNION ALL ');

/** What the session `pid` is at; undefined when no progress view has it. One scan of shared memory, no locks. */
export async function readProgress(reader: TargetReader, pid: number): Promise<ProgressReading | undefined> {
  const [row] = await reader.query<{ view: ProgressView; columns: JsonObject }>(progressSql, [pid]);
  if (row === undefined) return undefined;
  const { view, columns } = row;
  // Null for a role that may not see the session's figures.
  const phase = columns['phase'];
  if (typeof phase !== 'string') return undefined;
  return {
    view,
    phase,
    tableOid: oid(columns['relid']),
    indexOid: oid(columns['index_relid']),
    counter: counterOf(view, phase, columns),
    lockerPid: oid(columns['current_locker_pid']),
    columns,
  };
}

/** 0 means none; jsonb carries OIDs as strings. */
function oid(value: unknown): number | null {
  const number = Number(value ?? 0);
  return number === 0 ? null : number;
}
