import type { Access, JsonObject, Step } from '@slacktide/domain';
import type { ClaimedTask, Intent, StepRecord, TaskOutcome } from './task-executions.ts';

/** What a task may leave behind on a target when it is cut short. */
export const remnantKinds = ['index', 'database', 'session', 'file', 'table'] as const;
export type RemnantKind = (typeof remnantKinds)[number];

/** How a remnant ended: it was not there, was removed, or is not ours after all. */
export const remnantOutcomes = ['absent', 'swept', 'kept'] as const;
export type RemnantOutcome = (typeof remnantOutcomes)[number];

export interface NewRemnant {
  readonly kind: RemnantKind;
  /** All that is needed to prove later that a thing is ours: names, OIDs, what was there before. */
  readonly proof: JsonObject;
}
export interface Remnant extends NewRemnant {
  readonly id: number;
  readonly targetId: string;
  readonly taskId: string;
  /** Whose executor knows how to sweep it; null when nobody can tell any more: of an older release, and its task gone from history. */
  readonly taskType: string | null;
  readonly fence: number;
  readonly recordedAt: Date;
}

/** Written before an action that may leave something behind, so that only what is provably ours is ever swept. */
export interface Remnants {
  /** Undefined = the right to act is gone, and nothing was written. */
  record(claimed: ClaimedTask, remnant: NewRemnant): Promise<Remnant | undefined>;
  close(id: number, outcome: RemnantOutcome, note: string | null): Promise<void>;
  /** Not closed yet, oldest first. */
  listOpen(targetId: string): Promise<readonly Remnant[]>;
}

/** A running task whose worker let its lease run out. */
export interface ExpiredTask {
  readonly taskId: string;
  readonly type: string;
  readonly targetId: string;
  readonly access: Access;
  readonly expiredForMs: number;
}

/** An expired task in the hands of whoever recovers it: a claim with a fence of its own, and all the ledger knows. */
export interface TakenOver extends ClaimedTask {
  /** The session that was about to act; null = nothing was done on the target yet. */
  readonly intent: (Intent & { readonly at: Date }) | null;
  /** The fence of the claim that ran out. */
  readonly previousFence: number;
  readonly previousWorkerId: string;
  /** By the ledger's clock. When nothing tells it any more: when the task began. */
  readonly expiredAt: Date;
  readonly expiredForMs: number;
  /** Take-overs of this claim since the last that came to an orderly end, this one among them: 1 unless workers died while they recovered it. */
  readonly attempts: number;
  readonly steps: readonly Step[];
  /** Of this task, not closed yet. */
  readonly remnants: readonly Remnant[];
}

export type TakeOverResult =
  | { readonly kind: 'taken'; readonly taken: TakenOver }
  /** Over, renewed, taken by somebody else, or never running. */
  | { readonly kind: 'not_expired' }
  /** Another task holds the target. */
  | { readonly kind: 'target_busy' };

/**
 * Recovery of tasks whose workers died or were cut off (law 7). Every write is fenced by the take-over: `false` means that the right to go on
 * is gone, and nothing was written.
 */
export interface Recoveries {
  /** Of these task types, those of the oldest jobs first; what was postponed is left out until its time, what needs a target in use until it is free. */
  listExpired(request: { types: readonly string[]; limit: number }): Promise<readonly ExpiredTask[]>;
  takeOver(request: { taskId: string; workerId: string; leaseLifeMs: number }): Promise<TakeOverResult>;
  /** Gives the lease back with the task still RUNNING: it can be taken over again, after `notBeforeMs`. */
  postpone(taken: TakenOver, reason: string, notBeforeMs: number): Promise<boolean>;
  /** Back to PENDING with one crash more, in the job's next generation, and its flow into the outbox; `told` goes into the audit event. */
  redrive(taken: TakenOver, reason: string, told?: JsonObject): Promise<boolean>;
  /** As `finish` of a task's life, with one crash more. */
  settle(taken: TakenOver, outcome: TaskOutcome, steps: readonly StepRecord[]): Promise<boolean>;
}
