import {
  defaultTimeLimitSeconds,
  isWithinWindow,
  type SkipReason,
  type Task,
  type TaskSpec,
  type Trigger,
  timeOrderedId,
  type WindowHours,
} from '@slacktide/domain';
import type { LedgerTransaction, NewJob } from '../ports/index.ts';

/** What makes a job. */
export interface JobRequest {
  readonly trigger: Trigger;
  readonly scheduleId: string | null;
  readonly targetId: string;
  readonly tasks: readonly TaskSpec[];
  readonly haltOnTaskFailure: boolean;
  /** Null = any time. */
  readonly window: WindowHours | null;
  /** Due time of the tick, or the moment of the request. */
  readonly scheduledFor: Date;
  /** The ledger's clock: the window is judged by it. */
  readonly now: Date;
  readonly traceId: string;
  readonly traceparent: string;
  readonly requestedBy: string;
  /** Why it will not run at all, e.g. `missed`; by default only a closed window keeps it from running. */
  readonly skip?: SkipReason;
  /** The job that has to be over first (overlap policy `queue`). */
  readonly afterJobId?: string | null;
  /** Gives 16 bytes for each id: random, or a hash where the same job must get the same ids. */
  readonly idBytes: () => Uint8Array;
}

/** A job with its tasks, all PENDING, or all SKIPPED with one reason when it will not run: such a job is born over. */
export function newJob(request: JobRequest): NewJob {
  const { scheduledFor, now, idBytes } = request;
  const reason = request.skip ?? (isWithinWindow(request.window, now) ? null : 'outside_window');
  const birth = {
    state: reason === null ? ('PENDING' as const) : ('SKIPPED' as const),
    reason,
    startedAt: null,
    finishedAt: reason === null ? null : now,
  };
  const id = timeOrderedId(scheduledFor, idBytes());
  const tasks = request.tasks.map(
    (spec, position): Task => ({
      id: timeOrderedId(scheduledFor, idBytes()),
      jobId: id,
      key: spec.key,
      type: spec.type,
      position,
      config: spec.config,
      needs: spec.needs,
      ...birth,
      attempt: 0,
      crashes: 0,
      timeLimitSeconds: spec.timeLimitSeconds ?? defaultTimeLimitSeconds,
      progress: null,
      result: null,
      error: null,
    }),
  );
  return {
    id,
    scheduleId: request.scheduleId,
    targetId: request.targetId,
    trigger: request.trigger,
    ...birth,
    scheduledFor,
    haltOnTaskFailure: request.haltOnTaskFailure,
    window: request.window,
    generation: 1,
    afterJobId: request.afterJobId ?? null,
    halted: false,
    cancelRequestedAt: null,
    traceId: request.traceId,
    traceparent: request.traceparent,
    requestedBy: request.requestedBy,
    tasks,
  };
}

/**
 * Writes a new job, and asks the relay for its flow unless it is over already. False when the tick has its job: nothing
 * was written then.
 */
export async function addJob(tx: Pick<LedgerTransaction, 'jobs' | 'outbox'>, job: NewJob): Promise<boolean> {
  if (!(await tx.jobs.insert(job))) return false;
  if (job.finishedAt === null) await tx.outbox.add({ kind: 'flow.add', jobId: job.id, generation: job.generation });
  return true;
}
