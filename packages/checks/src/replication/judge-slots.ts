import type { Severity } from '@slacktide/domain';
import { byteText } from '../catalogue/byte-text.ts';
import { describeAge } from '../catalogue/sessions.ts';
import type { Slot } from './facts.ts';
import { bytesPerMb, fine, found, joinParts, type Part, skip } from './part.ts';
import type { ReplicationConfig } from './schema.ts';

/** Judges the slots of the server. `inactiveSeconds` of those that are not read, where it is known. */
export function judgeSlots(
  slots: readonly Slot[],
  inactiveSeconds: ReadonlyMap<string, number>,
  config: ReplicationConfig,
): Part {
  return joinParts(slots.map((slot) => judgeSlot(slot, inactiveSeconds.get(slot.name) ?? null, config)));
}

function judgeSlot(slot: Slot, inactiveSeconds: number | null, config: ReplicationConfig): Part {
  const name = `slot ${slot.name}`;
  if (slot.temporary) return skip(name, 'temporary');
  if (slot.synced) return skip(name, 'synced_from_primary');
  const problem = problemOf(slot, inactiveSeconds, config);
  if (problem === null) return fine;
  return found('slot', name, {
    severity: problem.severity,
    summary: `Replication slot "${slot.name}" ${problem.text}`,
    why: 'whoever reads from the slot could not go on from where it was',
    evidence: {
      problems: [problem.kind],
      slot: slot.name,
      type: slot.type,
      database: slot.database,
      active: slot.active,
      retained_bytes: slot.retainedBytes,
      wal_status: slot.walStatus,
      safe_wal_bytes: slot.safeWalBytes,
      conflicting: slot.conflicting,
      invalidation_reason: slot.invalidationReason,
      inactive_seconds: inactiveSeconds === null ? null : Math.floor(inactiveSeconds),
      ...(slot.active ? {} : { statement: slot.statement }),
    },
  });
}

interface Problem {
  readonly kind: 'lost' | 'losing' | 'inactive' | 'retains';
  readonly severity: Severity;
  readonly text: string;
}

/** The first that applies. */
function problemOf(slot: Slot, inactiveSeconds: number | null, config: ReplicationConfig): Problem | null {
  const retained = slot.retainedBytes ?? 0;
  const keeps = `keeps ${byteText(retained)} of WAL`;
  const isLarge = retained > config.max_slot_retained_mb * bytesPerMb;
  if (slot.walStatus === 'lost' || slot.invalidationReason !== null || slot.conflicting) {
    const why = slot.invalidationReason ?? (slot.conflicting ? 'conflict with replay' : 'WAL removed');
    return {
      kind: 'lost',
      severity: 'critical',
      text: `has lost what its reader needs (${why}): the reader has to be made anew`,
    };
  }
  if (slot.walStatus === 'unreserved') {
    return { kind: 'losing', severity: 'critical', text: `${keeps}, and loses it at the next checkpoint` };
  }
  if (!slot.active) {
    const isLong = (inactiveSeconds ?? 0) > config.max_inactive_seconds;
    const age = inactiveSeconds === null || inactiveSeconds < 1 ? '' : ` for ${describeAge(inactiveSeconds)}`;
    return {
      kind: 'inactive',
      severity: isLarge ? 'critical' : isLong ? 'warning' : 'info',
      text: slot.retainedBytes === null ? `is not read${age} and keeps nothing` : `is not read${age} and ${keeps}`,
    };
  }
  return isLarge ? { kind: 'retains', severity: 'warning', text: `is read, but ${keeps}` } : null;
}
