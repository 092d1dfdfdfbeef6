import type { TargetReader } from '@slacktide/application/ports';

/** What the checkpointer counted since its counters were last reset. On a standby they are of restartpoints. */
export interface CheckpointCounters {
  /** Started because checkpoint_timeout was over; also counted when there turned out to be nothing to do. */
  readonly timed: number;
  /** Started because max_wal_size was reached, or somebody asked for it. */
  readonly requested: number;
  /** Completed; null where the server does not count them (before 17 on a standby, before 18 else). */
  readonly done: number | null;
  readonly writeMs: number;
  readonly syncMs: number;
  readonly buffersWritten: number;
}

export interface CheckpointFacts {
  readonly inRecovery: boolean;
  /** When the counters began, by the server's clock; null = not known. */
  readonly resetMs: number | null;
  readonly nowMs: number;
  readonly counters: CheckpointCounters;
  /** Bytes of WAL since the cluster was made; on a standby as far as it has replayed them. */
  readonly walPosition: number;
  readonly maxWalSizeBytes: number;
  readonly checkpointTimeoutSeconds: number;
  readonly completionTarget: number;
}

type Row = Omit<CheckpointFacts, 'counters'> & CheckpointCounters;

/** Everybody may read these. */
export async function readCheckpoints(reader: TargetReader): Promise<CheckpointFacts> {
  const [probe] = await reader.query<{ columns: readonly string[]; inRecovery: boolean }>(probeSql);
  if (probe === undefined) throw new Error('a SELECT without FROM returned no row');
  const [row] = await reader.query<Row>(countersSql(probe.columns, probe.inRecovery));
  if (row === undefined) throw new Error('the statistics of the checkpointer have no row');
  const { timed, requested, done, writeMs, syncMs, buffersWritten, ...facts } = row;
  return { ...facts, counters: { timed, requested, done, writeMs, syncMs, buffersWritten } };
}

/** The columns left pg_stat_bgwriter for a view of their own with 17. */
const probeSql = `
SELECT pg_is_in_recovery() AS "inRecovery", ARRAY(SELECT attname::text FROM pg_attribute
  WHERE attrelid = to_regclass('pg_catalog.pg_stat_checkpointer') AND attnum > 0) AS columns`;

function countersSql(columns: readonly string[], inRecovery: boolean): string {
  const isView = columns.length > 0;
  const kind = isView && inRecovery ? 'restartpoints' : isView ? 'num' : 'checkpoints';
  const requested = kind === 'num' ? 'num_requested' : `${kind}_req`;
  const done = columns.includes(`${kind}_done`) ? `${kind}_done::float8` : 'NULL::float8';
  const [write, sync, buffers] = isView
    ? ['write_time', 'sync_time', 'buffers_written']
    : ['checkpoint_write_time', 'checkpoint_sync_time', 'buffers_checkpoint'];
  return `
SELECT ${inRecovery} AS "inRecovery", (extract(epoch FROM stats_reset) * 1000)::float8 AS "resetMs",
  (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS "nowMs",
  ${kind}_timed::float8 AS timed, ${requested}::float8 AS requested, ${done} AS done,
  ${write}::float8 AS "writeMs", ${sync}::float8 AS "syncMs", ${buffers}::float8 AS "buffersWritten",
  pg_wal_lsn_diff(${inRecovery ? 'pg_last_wal_replay_lsn()' : 'pg_current_wal_insert_lsn()'}, '0/0')::float8 AS "walPosition",
  pg_size_bytes(current_setting('max_wal_size'))::float8 AS "maxWalSizeBytes",
  (SELECT setting::float8 FROM pg_settings WHERE name = 'checkpoint_timeout') AS "checkpointTimeoutSeconds",
  current_setting('checkpoint_completion_target')::float8 AS "completionTarget"
FROM ${isView ? 'pg_stat_checkpointer' : 'pg_stat_bgwriter'}`;
}
