import type { Trigger } from '@slacktide/domain';

/** What the dispatcher must bring to Redis. Ids only (law 3); relaying one twice is harmless (law 5). */
export type OutboxMessage =
  | { readonly kind: 'flow.add'; readonly jobId: string; readonly generation: number }
  /** Every task of the job is over without a delivery being needed: end the job. */
  | { readonly kind: 'job.finalise'; readonly jobId: string; readonly generation: number }
  | { readonly kind: 'flow.remove'; readonly jobId: string; readonly generation: number }
  | { readonly kind: 'schedule.sync'; readonly scheduleId: string };

export interface OutboxWriter {
  /** Adds a row and wakes the relay when the transaction commits. */
  add(message: OutboxMessage): Promise<void>;
}

/** What became of a message. */
export type Relayed =
  | { readonly kind: 'done' }
  /** It stays, and is tried again after a growing delay. */
  | { readonly kind: 'failed'; readonly error: unknown }
  /** Redis is away: no fault of this message. It stays as it was. */
  | { readonly kind: 'away' };

/** How many messages of a batch came to what. */
export interface OutboxBatch {
  readonly relayed: number;
  readonly failed: number;
  readonly away: number;
}

/** A job's flow as the relay builds it: the tasks that are not over. */
export interface PlannedFlow {
  readonly jobId: string;
  readonly generation: number;
  readonly trigger: Trigger;
  readonly traceparent: string;
  /** By position. */
  readonly tasks: readonly {
    readonly id: string;
    readonly key: string;
    readonly type: string;
    readonly needs: readonly string[];
  }[];
}

/** The relay's side: takes rows with FOR UPDATE SKIP LOCKED, so any number of dispatchers may run. */
export interface OutboxQueue {
  /**
   * Hands up to `limit` rows, oldest first unless told otherwise, to `relay`, which says in the same order what became of each. Rows that are done are deleted.
   * Of a job or schedule, the batch holds the oldest message only.
   */
  drain(
    limit: number,
    relay: (messages: readonly OutboxMessage[]) => Promise<readonly Relayed[]>,
    first?: 'oldest' | 'newest',
  ): Promise<OutboxBatch>;
  /** What is to be added for these jobs; left out are those that are over, or wait for a person. */
  listFlows(jobIds: readonly string[]): Promise<readonly PlannedFlow[]>;
  /** Makes every message due now: what failed may have failed for want of Redis. Resolves with how many waited. */
  retryAll(): Promise<number>;
  /** Calls `wake` when rows were added (LISTEN/NOTIFY); polling covers a lost notification. Returns the unsubscriber. */
  subscribe(wake: () => void): Promise<() => Promise<void>>;
  /** Rows waiting and the age of the oldest, in seconds. */
  backlog(): Promise<{ waiting: number; oldestSeconds: number }>;
}
