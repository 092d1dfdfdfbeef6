import type { ObservedKind } from './observed-kinds.ts';
import type { TargetMemory } from './target-memory.ts';
import type { ClaimedTask } from './task-executions.ts';

/** The figures of one object at one moment. */
export interface ObjectReading {
  readonly kind: ObservedKind;
  /** Catalogue OID; 0 for the cluster. */
  readonly oid: number;
  /** `schema.name`, unquoted; the name of the database or `cluster`. */
  readonly name: string;
  /** Changes with every rewrite; null where there is no file. */
  readonly filenode: number | null;
  /** Figures that only grow while nothing resets them, by name: scans, rows read. One that fell ends the observation span. */
  readonly counters: Readonly<Record<string, number>>;
  /** Figures that go up and down, by name: sizes, rows, ages, waste. */
  readonly gauges: Readonly<Record<string, number>>;
}

/** What one look at one node of a target saw. */
export interface NodeObservation {
  /** `primary`, or the standby's `host:port/database`. */
  readonly node: string;
  /** Server start, timeline and reset time of the counters, as one text: another one makes counters that stand at 0 doubtful. */
  readonly epoch: string;
  readonly readings: readonly ObjectReading[];
  /** Kinds that were read in full: what is not among the readings is gone. */
  readonly complete: readonly ObservedKind[];
}

/** Samples of targets over time: one value an object and hour, later one a day; robust to resets, crashes, failover and re-created objects. */
export interface Observations {
  /** Fenced: false means the right to write is gone, and nothing was written. */
  record(claimed: ClaimedTask, observation: NodeObservation): Promise<boolean>;
  /** Rolls hours up into days, and forgets what is old. */
  prune(): Promise<void>;
  memoryOf(targetId: string): TargetMemory;
}
