import type { Access, Trigger } from '@slacktide/domain';

/** A node of the tree that BullMQ runs, children before parents. */
export interface FlowNode {
  readonly taskId: string;
  readonly type: string;
  readonly children: readonly FlowNode[];
}

/** One generation of a job's flow: its root is `finalise`; a pure function of (job, generation). */
export interface JobFlow {
  readonly jobId: string;
  readonly generation: number;
  /** What a person asked for goes ahead of what schedules have queued. */
  readonly trigger: Trigger;
  readonly traceparent: string;
  readonly roots: readonly FlowNode[];
}

/**
 * Redis is away, or takes nothing now: nothing is known of what became of the call, and any other would fare no better.
 */
export class DispatchAway extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DispatchAway';
  }
}

export interface Flows {
  /** Adds the flow; adding the identical one again is harmless. Rejects within seconds when Redis is away. */
  add(flow: JobFlow): Promise<void>;
  /** Removes a finalised flow. Gone already = done. */
  remove(flow: { jobId: string; generation: number }): Promise<void>;
}

export interface TickTimers {
  /** Makes the job scheduler of a schedule agree with cron and zone; does nothing when it already does. */
  set(schedule: { id: string; cronExpression: string; timezone: string }): Promise<void>;
  remove(scheduleId: string): Promise<void>;
}

/** A worker's right to act on a target, in Redis: `act` has it alone, `observe` shares it. The ledger's fence has the last word. */
export interface TargetLeases {
  acquire(
    lease: LeaseRequest,
  ): Promise<{ readonly kind: 'acquired' } | { readonly kind: 'busy'; readonly holder: string }>;
  /** Extends the lease; one that vanished (Redis emptied) is taken again when free. `lost` = somebody else has it. */
  renew(lease: LeaseRequest): Promise<'held' | 'lost'>;
  release(lease: LeaseRequest): Promise<void>;
}
export interface LeaseRequest {
  readonly targetId: string;
  readonly access: Access;
  /** The task that holds it. */
  readonly holder: string;
  readonly fence: number;
  readonly lifeMs: number;
}
