import type { JobState, JsonObject, WindowHours } from '@slacktide/domain';

/** Work that a task asks for when it is over: a job of one task on the same target. */
export interface NewFollowUp {
  readonly type: string;
  readonly config: JsonObject;
  /** Waits for it to open; null = any time. */
  readonly window: WindowHours | null;
  /** How long the task may run; null = as long as any. */
  readonly timeLimitSeconds: number | null;
  /** Why, for a person. */
  readonly reason: string;
}

export interface FollowUp extends NewFollowUp {
  readonly id: number;
  readonly targetId: string;
  /** The job that asked for it. */
  readonly askedByJobId: string;
  readonly askedAt: Date;
}

/** The latest follow-up of a task type on a target, and what came of it. */
export interface PastFollowUp {
  readonly type: string;
  readonly askedAt: Date;
  /** Null while it waits, and when it was refused. */
  readonly jobId: string | null;
  /** Null while it waits, and when the job is gone from history. */
  readonly jobState: JobState | null;
  /** Why it came to nothing, or null. */
  readonly refused: string | null;
}

export interface FollowUpReader {
  /** Follow-ups nobody has started, oldest first, after the one of this id. */
  listOpen(limit: number, afterId: number): Promise<readonly FollowUp[]>;
}

export interface FollowUpWriter {
  /** One nobody has started, locked until the transaction ends; undefined when somebody else has it. */
  lockOpen(id: number): Promise<FollowUp | undefined>;
  markStarted(id: number, jobId: string): Promise<void>;
  markRefused(id: number, reason: string): Promise<void>;
}
