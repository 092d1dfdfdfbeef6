/** A generation of a job's flow. */
export interface FlowId {
  readonly jobId: string;
  readonly generation: number;
}

/** A flow that Redis has to hold: its job is open, and no message about it waits in the outbox. */
export interface OpenFlow extends FlowId {
  /** The job's tasks that are not over: each needs its delivery. */
  readonly openTasks: readonly { readonly taskId: string; readonly type: string }[];
}

/** A flow of which something is gone from Redis. */
export interface LostFlow extends FlowId {
  /** Tasks whose deliveries are gone, which counts while one of them is open; null = the tree is broken, which counts while the job is open. */
  readonly missingTaskIds: readonly string[] | null;
}

/** What a schedule's timer in Redis has to agree with. */
export interface TimerSpec {
  readonly id: string;
  readonly cronExpression: string;
  readonly timezone: string;
}

/** A running task whose lease ran out, or is gone, long ago: nobody seems to recover it. */
export interface StuckTask {
  readonly taskId: string;
  readonly jobId: string;
  readonly key: string;
  readonly type: string;
  readonly targetId: string;
}

/** An enabled schedule and since when a tick of it is to be expected: its last tick, or its last change if that came later. */
export interface TickWatch extends TimerSpec {
  readonly name: string;
  readonly since: Date;
}

/** The ledger's side of the comparison with Redis. Reads are bounded, writes are fenced by what was seen. */
export interface Reconciliation {
  /**
   * Runs `work` while nobody else, in any process, runs work of that name: a transaction of its own holds the lock, and a leader that
   * dies frees it. A leader cut off from the ledger may still be at work when the next begins, so `work` must bear that.
   */
  exclusively<T>(
    name: string,
    work: () => Promise<T>,
  ): Promise<{ readonly kind: 'led'; readonly result: T } | { readonly kind: 'led_elsewhere' }>;

  /** Jobs that are over in all but name: all tasks ended a while ago, and nobody ended the job. */
  listUnended(limit: number): Promise<readonly FlowId[]>;

  /** Flows that Redis has to hold, in the order of job ids, after `after`. */
  listOpenFlows(page: { readonly after: string | null; readonly limit: number }): Promise<readonly OpenFlow[]>;
  /**
   * Raises the generation of each lost flow's job, with a message to add its flow and an audit event (`job.rebuild`), in one transaction.
   * Leaves out what changed since it was seen: over, another generation, a message waiting, none of the missing tasks open.
   */
  rebuild(lost: readonly LostFlow[]): Promise<readonly FlowId[]>;
  /** Of `flows`, those whose job is open in this generation, or about whose job a message waits: it may be the flow's removal. */
  listWanted(flows: readonly FlowId[]): Promise<readonly FlowId[]>;

  countTimers(): Promise<number>;
  /** Enabled schedules in the order of ids, after `after`. */
  listTimers(page: { readonly after: string | null; readonly limit: number }): Promise<readonly TimerSpec[]>;
  /** Of `scheduleIds`, those that are enabled. */
  listWantedTimers(scheduleIds: readonly string[]): Promise<readonly string[]>;

  /** Schedules that are due by more than `lateByMs`, the most overdue first. */
  listOverdue(lateByMs: number, limit: number): Promise<readonly string[]>;
  /** Running tasks without a lease for more than `forMs`. */
  listStuck(forMs: number, limit: number): Promise<readonly StuckTask[]>;
  /** Tasks that wait for a person's word. */
  listUnclear(limit: number): Promise<readonly StuckTask[]>;
  /** Enabled schedules in the order of ids, after `after`. */
  listTickWatches(page: { readonly after: string | null; readonly limit: number }): Promise<readonly TickWatch[]>;
}
