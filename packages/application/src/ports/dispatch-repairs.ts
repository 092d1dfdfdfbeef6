import type { FlowId, LostFlow, OpenFlow, TimerSpec } from './reconciliation.ts';

/** A delivery in Redis that belongs to no flow any more. */
export interface Stray {
  readonly queue: string;
  readonly id: string;
}

/** Part of what Redis holds, as a look found it. */
export interface Stretch {
  /** Flows that have a root; whether they are wanted is the ledger's to say. */
  readonly flows: readonly FlowId[];
  /** Deliveries without a whole way up to a root, and roots that no job could have. */
  readonly strays: readonly Stray[];
  /** The look has come round: the next stretch begins at the start. */
  readonly isLast: boolean;
}

/** What the reconciler sees in Redis, and mends there. Every call rejects with DispatchAway within seconds when Redis is away. */
export interface DispatchRepairs {
  /** Of `flows`, those of which something is gone. */
  findLost(flows: readonly OpenFlow[]): Promise<readonly LostFlow[]>;
  /** Goes on where the last look ended; bounded, so that a big Redis is gone through in many of them. */
  lookFurther(): Promise<Stretch>;
  /** Removes a flow with all its nodes; false = nothing was removed: it is gone, or a worker has one of its nodes in hand. */
  removeFlow(flow: FlowId): Promise<boolean>;
  /** Removes a delivery with what hangs below it; false = a worker has it in hand. */
  removeStray(stray: Stray): Promise<boolean>;

  countTimers(): Promise<number>;
  /** Of `timers`, those that are missing, have another cron or zone, or no tick to come. */
  findStaleTimers(timers: readonly TimerSpec[]): Promise<readonly TimerSpec[]>;
  /** Sets timers whatever is there; a pending tick is replaced. Resolves with those that could not be set. */
  setTimers(
    timers: readonly TimerSpec[],
  ): Promise<readonly { readonly scheduleId: string; readonly message: string }[]>;
  /** Ids of the schedules that have a timer. */
  listTimers(): Promise<readonly string[]>;
  removeTimers(scheduleIds: readonly string[]): Promise<void>;

  /** Wakes a worker of each queue that has something to deliver and nobody told to look; resolves with these queues. */
  wakeQueues(): Promise<readonly string[]>;
}
