import type { JsonObject } from '@slacktide/domain';
import type { NewFollowUp } from './follow-ups.ts';
import type { LearningKind, NewLearning } from './learnings.ts';
import type { ClaimedTask } from './task-executions.ts';
import type { NewWatch, WatchLook } from './watches.ts';

/** What act work does to an object, as its history calls it. */
export const effectActions = [
  'reindex',
  'create_index',
  'drop_index',
  'vacuum',
  'vacuum_full',
  'repack',
  'analyze',
  'validate',
  'refresh',
  'retention',
  'cache_warm',
  'custom',
  'rotate_log',
  'delete_file',
  'compress_file',
  'archive_file',
] as const;
export type EffectAction = (typeof effectActions)[number];

/** What one step did to one object: for expected times, and to tell whether it was worth it. Null = not known, or does not apply. */
export interface Effect {
  readonly action: EffectAction;
  /** `schema.name`, quoted by the server: the step's key. */
  readonly object: string;
  readonly objectKind: 'index' | 'table' | 'database' | 'file';
  readonly durationMs: number;
  readonly sizeBeforeBytes: number | null;
  readonly sizeAfterBytes: number | null;
  /** Percent of the object that was waste, measured. */
  readonly wasteBeforePercent: number | null;
  readonly wasteAfterPercent: number | null;
  /** Whatever else is worth keeping: WAL written, rows removed, the statements that use the object before. */
  readonly detail: JsonObject;
}

/** An effect as the ledger has it. */
export interface PastEffect extends Effect {
  readonly id: number;
  readonly targetId: string;
  readonly jobId: string;
  readonly taskType: string;
  readonly at: Date;
}

/** How to take back what a step is about to do. */
export interface NewRollbackPoint {
  /** `schema.name`, quoted by the server. */
  readonly object: string;
  /** What would be taken back, for a person. */
  readonly summary: string;
  /** Each sent alone, in this order. */
  readonly statements: readonly string[];
}

/**
 * `prepared` = written before the step acted, and what became of it is not known; `armed` = it acted; `void` = it did not; `used` = it was taken back.
 */
export const rollbackStates = ['prepared', 'armed', 'void', 'used'] as const;
export type RollbackState = (typeof rollbackStates)[number];

export interface RollbackPoint extends NewRollbackPoint {
  readonly id: string;
  readonly targetId: string;
  readonly jobId: string;
  readonly taskId: string;
  readonly state: RollbackState;
  readonly createdAt: Date;
  /** The job that took it back, or is to. */
  readonly usedByJobId: string | null;
}

export interface RollbackPointReader {
  /** How to take back what a job did, newest first. They outlive the job. */
  listOfJob(jobId: string): Promise<readonly RollbackPoint[]>;
}

/** What act work leaves in the ledger besides its result. Every write is fenced: false or undefined = the right to act is gone, and nothing was written. */
export interface ActRecords {
  effect(claimed: ClaimedTask, effect: Effect): Promise<boolean>;
  /** Before the step acts. Resolves with the point's id. */
  prepareRollback(claimed: ClaimedTask, point: NewRollbackPoint): Promise<string | undefined>;
  /** Replaces what is known of a kind. */
  learn(claimed: ClaimedTask, kind: LearningKind, learned: readonly NewLearning[]): Promise<boolean>;
  /** Asks for work when the task is over. */
  followUp(claimed: ClaimedTask, followUp: NewFollowUp): Promise<boolean>;
  /** After it acted, or was kept from it. */
  settleRollback(claimed: ClaimedTask, id: string, state: 'armed' | 'void'): Promise<boolean>;
  /** What this point is about was taken back by the claimed task's job; ends the watch over it. */
  useRollback(claimed: ClaimedTask, id: string): Promise<boolean>;
  /** Before the step acts, after its rollback point. Resolves with the watch's id. */
  prepareWatch(claimed: ClaimedTask, watch: NewWatch): Promise<string | undefined>;
  /** After it acted, from when the watch counts, or was kept from it. */
  settleWatch(claimed: ClaimedTask, id: string, state: 'open' | 'void'): Promise<boolean>;
  /** What a look of the claimed task came to; a watch that is over stays as it is. */
  recordLook(claimed: ClaimedTask, id: string, look: WatchLook): Promise<boolean>;
}
