import type {
  Access,
  Job,
  JsonObject,
  NotYetReason,
  SkipReason,
  State,
  Step,
  Target,
  Task,
  TaskError,
} from '@slacktide/domain';
import type { ServerEpoch } from './server-epoch.ts';

/** A claimed task with everything the worker needs; Redis told it only the id (law 3). */
export interface ClaimedTask {
  readonly job: Job;
  readonly task: Task;
  readonly target: Target;
  readonly access: Access;
  /** Grows with every claim on the target; every later write must carry it. */
  readonly fence: number;
  readonly workerId: string;
}

/** What came of trying to claim. */
export type ClaimResult =
  | { readonly kind: 'claimed'; readonly claimed: ClaimedTask }
  /** The task is over, or the generation is stale: nothing to do, return. */
  | { readonly kind: 'over' }
  /** The claim itself ended the task: halted, cancelled, outside its window. */
  | { readonly kind: 'skipped'; readonly reason: SkipReason }
  /** Try again later. */
  | { readonly kind: 'not_yet'; readonly reason: NotYetReason };

/** Identity of the session that is about to act: enough to find and end it after the worker's death. */
export interface Intent {
  readonly pid: number;
  /** As the server prints it, unrounded. */
  readonly backendStart: string;
  readonly applicationName: string;
  readonly epoch: ServerEpoch;
}

/** How a task ended. */
export type TaskOutcome =
  | { readonly kind: 'succeeded'; readonly result: JsonObject }
  | { readonly kind: 'failed'; readonly error: TaskError; readonly result: JsonObject | null }
  | { readonly kind: 'cancelled'; readonly result: JsonObject | null }
  /** What was begun was taken back. */
  | { readonly kind: 'rolled_back'; readonly result: JsonObject | null }
  /** Unclear, and not to be done again by itself: `error.detail` holds all that is known. */
  | { readonly kind: 'needs_operator'; readonly error: TaskError; readonly result: JsonObject | null }
  | { readonly kind: 'skipped'; readonly reason: SkipReason; readonly result: JsonObject | null };

/** What a step did that belongs in the audit log besides the task's own events, e.g. `session.terminate`: on the target, with all that is to be known of it. */
export interface StepAudit {
  readonly action: string;
  readonly after: JsonObject;
}

export interface StepRecord extends Step {
  /** Written to the audit log in one transaction with this change of the step, and never again. */
  readonly audit?: readonly StepAudit[];
}

/** A figure of a target at a moment, kept for trends: `metric` e.g. `database_size_bytes`, `object` e.g. `public.orders` or null for the whole database. */
export interface Sample {
  readonly metric: string;
  readonly object: string | null;
  readonly values: JsonObject;
}

/** A task's life in the ledger. Every write after the claim is fenced: `false` means the right to act is gone, and nothing was written. */
export interface TaskExecutions {
  /** Decides in one transaction, with the target's row locked, by the ledger's clock. */
  claim(request: {
    taskId: string;
    generation: number;
    workerId: string;
    access: Access;
    leaseLifeMs: number;
    /** The worker's own clock: one that is off by more than two seconds gets `not_yet`. */
    workerNow: Date;
  }): Promise<ClaimResult>;
  /** Keys of the task's steps that earlier attempts saw through: a new attempt does not do them again. */
  listDoneSteps(claimed: ClaimedTask): Promise<readonly string[]>;
  /** Back to PENDING, before anything was done: the target turned out to be busy. */
  release(claimed: ClaimedTask, reason: string): Promise<boolean>;
  /** The last look before acting: window, cancel, halt, by the ledger's clock. */
  gate(
    claimed: ClaimedTask,
  ): Promise<
    | { readonly kind: 'open' /** By the ledger's clock; null = never. */; readonly closesInMs: number | null }
    | { readonly kind: 'closed'; readonly reason: SkipReason }
  >;
  /** Writes who acts before acting, and counts the attempt. */
  recordIntent(claimed: ClaimedTask, intent: Intent): Promise<boolean>;
  /** Extends the ledger's lease. */
  renew(
    claimed: ClaimedTask,
    leaseLifeMs: number,
  ): Promise<{ readonly kind: 'held'; readonly cancelRequested: boolean } | { readonly kind: 'lost' }>;
  /** Upserts steps by key and the task's percentage. */
  recordProgress(
    claimed: ClaimedTask,
    progress: { steps: readonly StepRecord[]; percent: number | null },
  ): Promise<boolean>;
  recordSamples(claimed: ClaimedTask, samples: readonly Sample[]): Promise<boolean>;
  /** Writes the outcome, frees the lease, sets the job's halt flag where the schedule asks for it. */
  finish(claimed: ClaimedTask, outcome: TaskOutcome, steps: readonly StepRecord[]): Promise<boolean>;
  /** Ends the job when all its tasks are over, and asks the relay to remove the flow. */
  finalise(request: { jobId: string; generation: number }): Promise<
    | {
        readonly kind: 'finalised';
        readonly state: State /** Types of its tasks that ended without ever having been started. */;
        readonly neverStarted: readonly string[];
      }
    | { readonly kind: 'over' }
    | { readonly kind: 'not_yet' }
  >;
  /** Calls `cancel` with the job's id whenever somebody cancels one (LISTEN/NOTIFY, so it works without Redis). */
  subscribeCancels(cancel: (jobId: string) => void): Promise<() => Promise<void>>;
}
