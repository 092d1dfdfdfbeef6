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

export interface OutboxBatch {
  readonly relayed: number;
  readonly failed: number;
}

/** The relay's side: takes rows with FOR UPDATE SKIP LOCKED, so any number of dispatchers may run. */
export interface OutboxQueue {
  /**
   * Hands up to `limit` rows, oldest first, to `relay`; a row whose relay resolves is done, one whose relay rejects stays,
   * with the error and a growing delay before its next try.
   */
  drain(limit: number, relay: (message: OutboxMessage) => Promise<void>): Promise<OutboxBatch>;
  /** Calls `wake` when rows were added (LISTEN/NOTIFY); polling covers a lost notification. Returns the unsubscriber. */
  subscribe(wake: () => void): Promise<() => Promise<void>>;
  /** Rows waiting and the age of the oldest, in seconds. */
  backlog(): Promise<{ waiting: number; oldestSeconds: number }>;
}
