import type { CheckSnapshot } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { CheckpointCounters, CheckpointFacts } from './read.ts';

/** What happened in the window. */
export interface CheckpointWindow {
  readonly sinceMs: number;
  readonly counters: CheckpointCounters;
  /** WAL written, on a standby replayed; null = not known. */
  readonly walBytes: number | null;
}

export function snapshotOf({ inRecovery, resetMs, nowMs, counters, walPosition }: CheckpointFacts): JsonObject {
  return { at_ms: Math.round(nowMs), in_recovery: inRecovery, reset_ms: resetMs, wal: walPosition, ...counters };
}

/**
 * Since the oldest of `earlier` looks (newest first) which the counters have grown from in the same role; at the first look since the
 * counters began, if that is within the window.
 */
export function windowOf(
  facts: CheckpointFacts,
  earlier: readonly CheckSnapshot[],
  windowHours: number,
): CheckpointWindow | undefined {
  const base = earlier.findLast(({ values }) => isComparable(values, facts));
  if (base !== undefined) {
    const { values } = base;
    return {
      sinceMs: Number(values['at_ms']),
      counters: minus(facts.counters, values),
      walBytes: facts.walPosition - Number(values['wal']),
    };
  }
  const { resetMs, nowMs, counters } = facts;
  if (resetMs === null || resetMs < nowMs - windowHours * 3_600_000) return undefined;
  return { sinceMs: resetMs, counters, walBytes: null };
}

const counterNames = ['timed', 'requested', 'writeMs', 'syncMs', 'buffersWritten'] as const;

function isComparable(values: JsonObject, facts: CheckpointFacts): boolean {
  return (
    values['reset_ms'] === facts.resetMs &&
    values['in_recovery'] === facts.inRecovery &&
    Number(values['wal']) <= facts.walPosition &&
    counterNames.every((name) => Number(values[name]) <= facts.counters[name])
  );
}

function minus(now: CheckpointCounters, then: JsonObject): CheckpointCounters {
  const since = (name: keyof CheckpointCounters): number => Number(now[name]) - Number(then[name]);
  return {
    timed: since('timed'),
    requested: since('requested'),
    done: now.done === null || then['done'] === null ? null : since('done'),
    writeMs: since('writeMs'),
    syncMs: since('syncMs'),
    buffersWritten: since('buffersWritten'),
  };
}
