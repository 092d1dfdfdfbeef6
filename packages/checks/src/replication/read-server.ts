import type { TargetReader } from '@slacktide/application/ports';
import { readStatsGrantSql, secondsSinceSql } from '../catalogue/sessions.ts';
import type { Sender, ServerFacts, Slot } from './facts.ts';

/** How far WAL is on this server. */
const walSql = `CASE WHEN pg_is_in_recovery() THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()) ELSE pg_current_wal_lsn() END`;

const serverSql = `
SELECT pg_is_in_recovery() AS "inRecovery", (${walSql} - '0/0'::pg_lsn)::float8 AS "walPosition",
  current_setting('synchronous_standby_names') AS "synchronousStandbyNames",
  current_setting('synchronous_commit') AS "synchronousCommit",
  (SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'SyncRep') AS "commitsWaiting",
  ${readStatsGrantSql} AS "readStatsGrant"`;

export async function readServer(reader: TargetReader): Promise<ServerFacts> {
  const [row] = await reader.query<Omit<ServerFacts, 'serverVersion' | 'systemIdentifier' | 'timeline'>>(serverSql);
  if (row === undefined) throw new Error('a SELECT without FROM returned no row');
  const { systemIdentifier, timeline } = reader.identity.epoch;
  return {
    ...row,
    serverVersion: reader.serverVersion,
    systemIdentifier,
    timeline: timeline === null ? null : Number.parseInt(timeline, 16),
  };
}

/** A slot's type tells who reads: pg_stat_replication does not. */
const sendersSql = `
SELECT r.pid, r.usename::text AS "user", r.application_name AS "applicationName", host(r.client_addr) AS "clientAddress",
  NOT pg_has_role('pg_read_all_stats', 'USAGE') AND r.state IS NULL AS hidden, r.state, r.sync_state AS "syncState", s.slot_type AS "slotType",
  (${walSql} - r.sent_lsn)::float8 AS "sentLagBytes", greatest(${walSql} - r.flush_lsn, 0)::float8 AS "flushLagBytes",
  (${walSql} - r.replay_lsn)::float8 AS "replayLagBytes",
  extract(epoch FROM r.replay_lag)::float8 AS "replayLagSeconds", ${secondsSinceSql('r.reply_time')} AS "silentSeconds"
FROM pg_stat_replication r LEFT JOIN pg_replication_slots s ON s.active_pid = r.pid
ORDER BY r.application_name, r.pid`;

export function readSenders(reader: TargetReader): Promise<Sender[]> {
  return reader.query<Sender>(sendersSql);
}

/** By way of JSON, for columns that came later: conflicting with 16; synced, invalidation_reason and inactive_since with 17. */
const slotsSql = `
SELECT s.slot_name::text AS name, s.slot_type AS type, s.database::text, s.temporary, s.active,
  coalesce((j.row ->> 'synced')::boolean, false) AS synced,
  (${walSql} - s.restart_lsn)::float8 AS "retainedBytes", s.wal_status AS "walStatus", s.safe_wal_size::float8 AS "safeWalBytes",
  coalesce((j.row ->> 'conflicting')::boolean, false) AS conflicting, j.row ->> 'invalidation_reason' AS "invalidationReason",
  ${secondsSinceSql(`(j.row ->> 'inactive_since')::timestamptz`)} AS "inactiveSeconds",
  format('SELECT pg_catalog.pg_drop_replication_slot(%L)', s.slot_name) AS statement
FROM pg_replication_slots s CROSS JOIN LATERAL (SELECT to_jsonb(s) AS row) j
ORDER BY s.slot_name`;

export function readSlots(reader: TargetReader): Promise<Slot[]> {
  return reader.query<Slot>(slotsSql);
}
