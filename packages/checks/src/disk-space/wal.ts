import type { TargetReader } from '@slacktide/application/ports';
import type { Directories } from './directories.ts';

/** A replication slot, and the WAL it keeps. */
export interface Slot {
  readonly name: string;
  readonly active: boolean;
  readonly walStatus: string | null;
  readonly retainedBytes: number;
}

export interface WalFacts {
  readonly inRecovery: boolean;
  /** Of pg_wal; null when our role may not list it. */
  readonly bytes: number | null;
  /** Segments that wait to be archived; null when our role may not list them. */
  readonly waitingForArchive: number | null;
  readonly segmentBytes: number;
  readonly maxWalSizeBytes: number;
  readonly keepBytes: number;
  /** max_slot_wal_keep_size; null = slots keep whatever they need. */
  readonly slotLimitBytes: number | null;
  /** WAL is archived on this server. */
  readonly archives: boolean;
  /** The latest attempt to archive failed. */
  readonly archivingFails: boolean;
  readonly slots: readonly Slot[];
}

export async function readWal(
  reader: TargetReader,
  { walBytes, waitingForArchive }: Pick<Directories, 'walBytes' | 'waitingForArchive'>,
): Promise<WalFacts> {
  const [facts] = await reader.query<Omit<WalFacts, 'slots' | 'bytes' | 'waitingForArchive'>>(walSql);
  if (facts === undefined) throw new Error('pg_stat_archiver has no row');
  return { ...facts, bytes: walBytes, waitingForArchive, slots: await reader.query<Slot>(slotsSql) };
}

const bytesOf = (name: string): string => `pg_size_bytes(current_setting('${name}'))::float8`;

const walSql = `
SELECT pg_is_in_recovery() AS "inRecovery",
  ${bytesOf('wal_segment_size')} AS "segmentBytes", ${bytesOf('max_wal_size')} AS "maxWalSizeBytes",
  ${bytesOf('wal_keep_size')} AS "keepBytes",
  CASE WHEN current_setting('max_slot_wal_keep_size') <> '-1' THEN ${bytesOf('max_slot_wal_keep_size')} END AS "slotLimitBytes",
  CASE current_setting('archive_mode') WHEN 'always' THEN true WHEN 'on' THEN NOT pg_is_in_recovery() ELSE false END AS archives,
  coalesce(a.last_failed_time > coalesce(a.last_archived_time, '-infinity'), false) AS "archivingFails"
FROM pg_stat_archiver a`;

/** A slot whose WAL is gone keeps none. */
const slotsSql = `
SELECT slot_name::text AS name, active, wal_status AS "walStatus", pg_wal_lsn_diff(
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn)::float8 AS "retainedBytes"
FROM pg_replication_slots
WHERE restart_lsn IS NOT NULL AND wal_status IS DISTINCT FROM 'lost'
ORDER BY "retainedBytes" DESC, slot_name`;
