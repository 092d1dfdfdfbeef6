import type { FoundFinding, JsonObject, Severity } from '@slacktide/domain';
import type { DiskSpaceConfig } from './schema.ts';
import type { Slot, WalFacts } from './wal.ts';

/** Causes named in one piece of evidence. */
const longestList = 5;

/** WAL there surely is: what pg_wal holds, or else what slots keep from being removed. */
export function walAtLeast({ bytes, slots }: WalFacts): number {
  return bytes ?? Math.max(0, ...slots.map(({ retainedBytes }) => retainedBytes));
}

/** WAL that should have been removed or reused by now. */
export function walFinding(wal: WalFacts, config: DiskSpaceConfig): FoundFinding | undefined {
  const bytes = walAtLeast(wal);
  if (bytes <= config.wal_factor * wal.maxWalSizeBytes) return undefined;
  const slots = wal.slots.filter(({ retainedBytes }) => retainedBytes > wal.maxWalSizeBytes).slice(0, longestList);
  const causes = [...slots.map(slotCause), ...archiverCause(wal), ...keepCause(wal)];
  const [first] = causes;
  return {
    fingerprint: 'cluster:pg_wal',
    severity: severityOf(bytes, causes, wal, config),
    object: { kind: 'cluster', schema: null, name: 'pg_wal', table: null },
    summary: `pg_wal holds ${wal.bytes === null ? 'at least ' : ''}${inMiB(bytes)} MiB, max_wal_size is ${inMiB(wal.maxWalSizeBytes)} MiB: ${first?.text ?? 'what keeps the WAL is not to be seen'}`,
    evidence: {
      wal_bytes: bytes,
      is_lower_bound: wal.bytes === null,
      max_wal_size_bytes: wal.maxWalSizeBytes,
      wal_keep_size_bytes: wal.keepBytes,
      max_slot_wal_keep_size_bytes: wal.slotLimitBytes,
      segments_waiting_for_archive: wal.waitingForArchive,
      causes: causes.map(({ json }) => json),
      no_action_because:
        'a slot that goes takes its standby or subscriber along, and an archive that misses WAL is worth nothing: cure the cause',
    },
    action: null,
  };
}

interface Cause {
  readonly kind: string;
  readonly text: string;
  readonly json: JsonObject;
}

function slotCause({ name, active, walStatus, retainedBytes }: Slot): Cause {
  const kind = active ? 'lagging_slot' : 'inactive_slot';
  return {
    kind,
    text: `the ${active ? 'lagging' : 'inactive'} slot ${name} keeps ${inMiB(retainedBytes)} MiB`,
    json: { cause: kind, slot: name, retained_bytes: retainedBytes, wal_status: walStatus },
  };
}

function archiverCause({
  archives,
  archivingFails,
  waitingForArchive,
  segmentBytes,
  maxWalSizeBytes,
}: WalFacts): Cause[] {
  if (!archives) return [];
  const isBehind = (waitingForArchive ?? 0) * segmentBytes > maxWalSizeBytes;
  if (!archivingFails && !isBehind) return [];
  const kind = archivingFails ? 'failing_archiver' : 'slow_archiver';
  const waiting = waitingForArchive === null ? '' : `, ${waitingForArchive} segments wait`;
  return [
    {
      kind,
      text: archivingFails ? `archiving fails${waiting}` : `archiving is behind${waiting}`,
      json: { cause: kind, segments_waiting: waitingForArchive },
    },
  ];
}

function keepCause({ keepBytes, maxWalSizeBytes }: WalFacts): Cause[] {
  if (keepBytes <= maxWalSizeBytes) return [];
  const kind = 'wal_keep_size';
  return [{ kind, text: `wal_keep_size is ${inMiB(keepBytes)} MiB`, json: { cause: kind, keep_bytes: keepBytes } }];
}

/** What wal_keep_size asks for is wanted. */
function severityOf(bytes: number, causes: readonly Cause[], wal: WalFacts, config: DiskSpaceConfig): Severity {
  const isWanted = causes.length > 0 && causes.every(({ kind }) => kind === 'wal_keep_size');
  if (isWanted && bytes <= wal.keepBytes + config.wal_factor * wal.maxWalSizeBytes) return 'info';
  return bytes > config.wal_critical_factor * wal.maxWalSizeBytes ? 'critical' : 'warning';
}

function inMiB(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
