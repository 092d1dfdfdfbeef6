import { type Standby, TargetError, type TargetReader } from '@slacktide/application/ports';
import { readStatsGrantSql, secondsSinceSql } from '../catalogue/sessions.ts';
import type { ExpectedStandby, StandbyFacts } from './facts.ts';

/** An unprivileged role sees the receiver's pid and nothing else. */
const standbySql = `
SELECT pg_is_in_recovery() AS "inRecovery", w.pid IS NOT NULL AND w.status IS NULL AS "receiverHidden", w.status AS "receiverStatus",
  w.sender_host AS "senderHost", w.received_tli AS "receivedTimeline",
  (pg_last_wal_receive_lsn() - '0/0'::pg_lsn)::float8 AS "receivePosition",
  (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::float8 AS "replayPosition",
  CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() END AS "pauseState",
  ${secondsSinceSql('pg_last_xact_replay_timestamp()')} AS "replayedSeconds",
  current_setting('hot_standby_feedback')::boolean AS "hotStandbyFeedback",
  current_setting('restore_command') <> '' AS "restoresFromArchive",
  (SELECT coalesce(max(conflicts), 0)::float8 FROM pg_stat_database WHERE datname = current_database()) AS conflicts,
  ${readStatsGrantSql} AS "readStatsGrant"
FROM (SELECT 1) AS one LEFT JOIN pg_stat_wal_receiver w ON true`;

export async function readStandby(reader: TargetReader): Promise<StandbyFacts> {
  const [row] = await reader.query<Omit<StandbyFacts, 'serverVersion' | 'systemIdentifier'>>(standbySql);
  if (row === undefined) throw new Error('a SELECT of one row returned none');
  const { serverVersion, identity } = reader;
  return { ...row, serverVersion, systemIdentifier: identity.epoch.systemIdentifier };
}

/** One after the other: they are few, and each is a session of its own. */
export async function readExpectedStandbys(standbys: readonly Standby[]): Promise<ExpectedStandby[]> {
  const read: ExpectedStandby[] = [];
  for (const { name, read: look } of standbys) {
    try {
      read.push({ name, facts: await look(readStandby), unreachable: null });
    } catch (error) {
      if (!(error instanceof TargetError) || error.code === 'cancelled') throw error;
      read.push({ name, facts: null, unreachable: error.code });
    }
  }
  return read;
}
