import type { Job, State, Step, Task } from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

export interface JobFilter {
  readonly state?: State | undefined;
  readonly scheduleId?: string | undefined;
  readonly targetId?: string | undefined;
  /** Jobs due at or after this instant. */
  readonly from?: Date | undefined;
  /** Jobs due before this instant. */
  readonly to?: Date | undefined;
}

export interface TaskWithSteps extends Task {
  readonly steps: readonly Step[];
}
export interface JobWithTasks extends Job {
  readonly tasks: readonly TaskWithSteps[];
}

export interface JobReader {
  get(id: string): Promise<JobWithTasks | undefined>;
  /** Newest first by due time. */
  list(page: Page, filter?: JobFilter): Promise<PageOf<JobWithTasks>>;
}

/** A new job with its tasks, states included: a job made outside its window is born SKIPPED with all its tasks. */
export interface NewJob extends Job {
  readonly tasks: readonly Task[];
}

/** A task about which a person has spoken: all that may have changed by it. */
export type ResolvedTask = Pick<
  TaskWithSteps,
  'id' | 'state' | 'reason' | 'result' | 'error' | 'progress' | 'crashes' | 'startedAt' | 'finishedAt' | 'steps'
>;

export interface JobWriter {
  /** Inserts a job and its tasks; false when the tick (schedule, target, due time) already has its job. Makes the day's partition when it is missing. */
  insert(job: NewJob): Promise<boolean>;
  getForUpdate(id: string): Promise<JobWithTasks | undefined>;
  /** The same of the job that has this task. */
  getOfTaskForUpdate(taskId: string): Promise<JobWithTasks | undefined>;
  /**
   * Sets the cancel flag and wakes the workers; PENDING tasks become SKIPPED (`cancelled`) in the same transaction, each with its audit event; false
   * when the job is over.
   */
  requestCancel(id: string, at: Date): Promise<boolean>;
  /** Writes a task that needed an operator; its job must be locked by `getForUpdate`. */
  resolveTask(task: ResolvedTask): Promise<void>;
  /** Writes these of a job locked by `getForUpdate`. */
  update(job: Pick<Job, 'id' | 'state' | 'generation' | 'halted'>): Promise<void>;
}
