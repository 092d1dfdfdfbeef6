import type { JsonObject, TaskError } from '@slacktide/domain';
import type { GatedOperation } from '@slacktide/targets';
import type { GatePolicy } from './start-gate.ts';

/** One CREATE, REINDEX or DROP INDEX CONCURRENTLY. */
export interface ConcurrentWork {
  readonly operation: GatedOperation;
  /** Exactly as it is sent. */
  readonly statement: string;
  readonly tableOid: number;
  /** Of the table and so of the index, as the catalogue has it. */
  readonly schema: string;
  /** The index that is made, rebuilt or dropped: without its schema, as the catalogue has it. */
  readonly index: string;
  /** Key of the step, by which recovery finds the record. */
  readonly step: string;
  /** Asked once the gate is open, which may have taken minutes: null = it still has to be done; else it is not, and this is why. */
  readonly lookAgain?: () => Promise<JsonObject | null>;
}

/** What bounds it. */
export interface ConcurrentLimits extends GatePolicy {
  /** Bound of every single wait within the statement, for locks and for older snapshots. */
  readonly lock_timeout_seconds: number;
  /** How long others may wait for us before the statement gives way. */
  readonly max_blocking_seconds: number;
}

/** How it ended. What went wrong is told after everything of ours was cleared away. */
export type ConcurrentEnd =
  | { readonly kind: 'done'; readonly durationMs: number; readonly gate: JsonObject }
  /** Nothing was begun: `blocked` by older transactions, `leftover_present` of an earlier rebuild, or `changed` at the gate, as `lookAgain` says. */
  | {
      readonly kind: 'skipped';
      readonly reason: 'blocked' | 'leftover_present' | 'changed';
      readonly result: JsonObject;
    }
  | { readonly kind: 'failed'; readonly error: TaskError };
