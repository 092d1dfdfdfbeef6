import type { Json, JsonObject } from './json.ts';
import type { WindowHours } from './schedule.ts';
import type { JobState, TaskState } from './states.ts';

/** What made a job: a tick, a person running a schedule now, or an ad-hoc operation. */
export const triggers = ['schedule', 'manual', 'adhoc'] as const;
export type Trigger = (typeof triggers)[number];

/** An error as the ledger keeps it: a stable code and a message free of secrets. */
export interface TaskError {
  readonly code: string;
  readonly message: string;
  readonly detail?: Json;
}

/** One run of a schedule, or of an ad-hoc operation, on one target. */
export interface Job {
  readonly id: string;
  readonly scheduleId: string | null;
  readonly targetId: string;
  readonly trigger: Trigger;
  readonly state: JobState;
  readonly reason: string | null;
  /** Due time of the tick, or the moment of the request. Its day is the job's partition; the id carries the same instant. */
  readonly scheduledFor: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  readonly haltOnTaskFailure: boolean;
  /** The window as it was when the job was made; null = any time. */
  readonly window: WindowHours | null;
  readonly generation: number;
  /** The job that has to be over before this one starts (overlap policy `queue`); null = none. */
  readonly afterJobId: string | null;
  readonly halted: boolean;
  readonly cancelRequestedAt: Date | null;
  readonly traceId: string;
  readonly traceparent: string;
  readonly requestedBy: string;
}

/** One task type within a job. */
export interface Task {
  readonly id: string;
  readonly jobId: string;
  readonly key: string;
  readonly type: string;
  readonly position: number;
  readonly config: JsonObject;
  readonly needs: readonly string[];
  readonly state: TaskState;
  readonly reason: string | null;
  readonly attempt: number;
  /** How often a worker died while it had the task; at the second time the task is quarantined. */
  readonly crashes: number;
  /** How long it may run, from claim to outcome. */
  readonly timeLimitSeconds: number;
  /** Percent of the whole task, 0 to 100; null while unknown. */
  readonly progress: number | null;
  readonly result: Json | null;
  readonly error: TaskError | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}

/** A unit of progress inside a task: an index, a table, a batch. */
export interface Step {
  readonly key: string;
  readonly position: number;
  readonly state: TaskState;
  readonly reason: string | null;
  /** `schema.name` of what it works on. */
  readonly object: string | null;
  readonly statement: string | null;
  /** Phase as PostgreSQL names it in pg_stat_progress_*. */
  readonly phase: string | null;
  /** Percent within the phase; null in waiting phases and when the total is unknown. */
  readonly percent: number | null;
  readonly etaSeconds: number | null;
  readonly result: Json | null;
  readonly error: TaskError | null;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}
