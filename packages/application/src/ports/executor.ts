import type { Access, CheckReport, JsonObject, SafetyClass, Step, TaskCategory, TaskError } from '@slacktide/domain';
import type { z } from 'zod';
import type { Effect, EffectAction, NewRollbackPoint } from './act-records.ts';
import type { NewFollowUp } from './follow-ups.ts';
import type { LearningKind, NewLearning } from './learnings.ts';
import type { NodeObservation } from './observations.ts';
import type { NewRemnant, Remnant, RemnantOutcome } from './recoveries.ts';
import type { LookContext } from './target-memory.ts';
import type { TargetReader, TargetSession } from './target-session.ts';
import type { Intent, Sample, StepAudit } from './task-executions.ts';
import type { Upkeep } from './upkeep.ts';
import type { NewWatch, WatchLook } from './watches.ts';

/** The pure face of a task type: what the API needs to list it and to check a configuration. */
export interface TaskType<Config extends JsonObject = JsonObject> {
  readonly type: string;
  readonly category: TaskCategory;
  readonly access: Access;
  readonly class: SafetyClass;
  readonly description: string;
  /** The request that starts it, where that is the only way: no schedule or plan may name it. */
  readonly startedBy?: string;
  /** The setting of control plane and worker that has to say `on`; without it nothing of this type is run. */
  readonly offUnless?: 'CUSTOM_TASKS';
  /** Works on our own ledger: no session is opened on the target, which may be away. Only with access `observe`. */
  readonly sessionless?: true;
  /** Strict: unknown keys are refused; every key has a default and a description. */
  readonly config: z.ZodType<Config>;
  /**
   * Keys that the release before does not know, and would refuse: while both are at work, they are kept with a job only where they differ from their
   * default. To be emptied with the next release.
   */
  readonly newKeys?: readonly string[];
}

export interface ObjectRef {
  /** `file`: on the worker's host; `record`: in our own ledger. */
  readonly kind: 'index' | 'table' | 'database' | 'cluster' | 'file' | 'record';
  /** Catalogue OID; null for cluster-wide work, and for what no catalogue knows. */
  readonly oid: number | null;
  readonly schema: string | null;
  readonly name: string;
}

/** What a step takes while it runs. Null = unknown. */
export interface StepCost {
  /** As the history of effects calls it: earlier ones tell how long it takes. */
  readonly action: EffectAction;
  /** Disk that is used besides until it is over. */
  readonly tempDiskBytes: number | null;
  /** Write-ahead log it makes. */
  readonly walBytes: number | null;
}

/** Somebody who would have to wait for the step, or it for them, if it began now. Fields the role may not see are null. */
export interface WouldWait {
  readonly pid: number | null;
  readonly user: string | null;
  readonly applicationName: string | null;
  readonly transactionAgeSeconds: number | null;
  /** Table locks it holds or waits for, or `a snapshot`. */
  readonly locks: string;
}

/** Whom and what a step would touch if it began now. Null = unknown. */
export interface BlastRadius {
  /** The oldest transactions first, 20 at most. */
  readonly wouldWait: readonly WouldWait[] | null;
  readonly wouldWaitCount: number | null;
  readonly tempDiskBytes: number | null;
  readonly walBytes: number | null;
  /** By what like work took on this target; null = there was too little of it. */
  readonly expectedSeconds: {
    readonly low: number;
    readonly likely: number;
    readonly high: number;
    /** How many earlier steps it is judged by. */
    readonly samples: number;
  } | null;
}

/** One unit of work, exactly as it will be executed (law 10). */
export interface PlannedStep {
  /** Unique in the plan, stable between dry run and run. */
  readonly key: string;
  readonly object: ObjectRef;
  /** Exact statements, identifiers quoted by the server (law 11), each sent alone. */
  readonly statements: readonly string[];
  /** Strongest table lock, as PostgreSQL names it (e.g. `SHARE UPDATE EXCLUSIVE`); null = none. */
  readonly lockMode: string | null;
  readonly sizeBytes: number | null;
  /** Estimate; null = unknown. */
  readonly expectedSeconds: number | null;
  readonly reversible: boolean;
  /** What the history of the object advises instead, for a person; it is done all the same, for it was named, or advice is not heeded. */
  readonly advice?: string;
  /** Left out = nothing worth telling. */
  readonly cost?: StepCost;
  /** Added to a plan that is shown; executors leave it out. */
  readonly blastRadius?: BlastRadius;
  /** What only the executor needs to know. `table_oid` is the table whose locks the step takes. */
  readonly data: JsonObject;
}

/** What will be done, and what will not and why (law 8). */
export interface Plan {
  readonly steps: readonly PlannedStep[];
  /** How many objects were looked at. */
  readonly checked: number;
  /** `detail` is for a person, where the reason alone does not tell what would change it. */
  readonly skipped: readonly { readonly object: string; readonly reason: string; readonly detail?: string }[];
  /** What could not be seen, with the GRANT that would cure it. */
  readonly unknown: readonly { readonly object: string; readonly reason: string; readonly grant: string | null }[];
}

/** A configuration that does not fit the target: which key, and why. */
export interface ConfigProblem {
  /** RFC 6901 pointer into the configuration, e.g. `/tables/0`. */
  readonly pointer: string;
  readonly code: string;
  readonly detail: string;
}

export type FactsResult<Facts> =
  | { readonly kind: 'facts'; readonly facts: Facts }
  | { readonly kind: 'refused'; readonly problems: readonly ConfigProblem[] };

/** Progress within a step, as pg_stat_progress_* tells it. */
export interface StepProgress {
  readonly phase: string;
  /** Percent of this phase; null when waiting or unknown. */
  readonly percent: number | null;
  readonly etaSeconds: number | null;
}

/** What a step may use. */
export interface StepRun<Config> extends LookContext {
  /** The session that holds the advisory lock: one statement at a time. */
  readonly session: TargetSession;
  /** A second, read-only session for progress, gates and verification. */
  readonly observer: TargetReader;
  readonly config: Config;
  /** What may be done with our own ledger. */
  readonly upkeep: Upkeep;
  /** Aborted by cancel, lost lease, drain or window close; the statement in flight is cancelled by the session itself. */
  readonly signal: AbortSignal;
  progress(update: StepProgress): void;
  /** Keeps figures for later forecasts. */
  sample(samples: readonly Sample[]): void;
  /** Keeps what a check found, with the configuration it judged by. Rejects when the right to write is gone. */
  report(report: CheckReport, config: JsonObject): Promise<void>;
  /** Keeps what the counters of one node said. Rejects when the right to write is gone. */
  observe(observation: NodeObservation): Promise<void>;
  /** Keeps what the step did to an object. Rejects when the right to write is gone. */
  effect(effect: Effect): Promise<void>;
  /** Keeps what was learned of the target: all that is known of this kind from now on. Rejects when the right to write is gone. */
  learn(kind: LearningKind, learned: readonly NewLearning[]): Promise<void>;
  /** Asks for a job of one task on the same target, when its window is open. Rejects when the right to write is gone. */
  followUp(followUp: NewFollowUp): Promise<void>;
  /**
   * Writes how to take back what this step is about to do, before it acts; the returned function tells whether it acted (`armed`) or not (`void`). Rejects
   * when the right to act is gone: then the step must not act.
   */
  rollbackPoint(point: NewRollbackPoint): Promise<(state: 'armed' | 'void') => Promise<void>>;
  /** Marks a rollback point of any job as taken back by this one. Rejects when the right to write is gone. */
  usedRollback(pointId: string): Promise<void>;
  /**
   * Has looks taken, later, at what this step leads to. Written after the rollback point of the same object, before the step acts; the returned function
   * tells whether it acted (`open`) or not (`void`). Rejects when the right to act is gone: then the step must not act.
   */
  watch(watch: NewWatch): Promise<(state: 'open' | 'void') => Promise<void>>;
  /** Keeps what a look at a watch came to. Rejects when the right to write is gone. */
  looked(watchId: string, look: WatchLook): Promise<void>;
  /**
   * Between units of work within a step: waits while the target is under more load than the configuration's `throttle` allows; each wait is a step of
   * its own, with its reason. `overloaded` = the load outlasted the longest wait that is allowed: stop here, the rest is for the next run. Rejects when
   * told to stop.
   */
  breathe(): Promise<'go' | 'overloaded'>;
  /**
   * Writes what this step may leave behind, before it acts; the returned function closes the record. Rejects when the right to
   * act is gone: then the step must not act.
   */
  remnant(remnant: NewRemnant): Promise<(outcome: RemnantOutcome, note?: string) => Promise<void>>;
}

/** What recovery knows of work that was cut short. */
export interface InterruptedWork<Config> {
  readonly config: Config;
  /** The session that was to act; it is over. */
  readonly intent: Intent;
  /** Steps as the ledger has them: what was done, and what was in hand. */
  readonly steps: readonly Step[];
  readonly remnants: readonly Remnant[];
}

/** What became of work whose worker is gone, as the target's catalogue shows. */
export type Inspection =
  | { readonly kind: 'done'; readonly result: JsonObject }
  | { readonly kind: 'not_done' }
  | { readonly kind: 'unclear'; readonly evidence: JsonObject };

/** `audit` is written in one transaction with the step's end, once. */
export type StepOutcome =
  | { readonly kind: 'done'; readonly result: JsonObject; readonly audit?: readonly StepAudit[] }
  | { readonly kind: 'skipped'; readonly reason: string; readonly result?: JsonObject }
  | { readonly kind: 'failed'; readonly error: TaskError; readonly audit?: readonly StepAudit[] };

/**
 * One task type on the real thing. The worker reads facts, plans, checks the gate, then runs each step in order;
 * `POST /plans` stops after the plan.
 */
export interface Executor<Config extends JsonObject = JsonObject, Facts = unknown> {
  readonly taskType: TaskType<Config>;
  /** A new attempt does every step again, because only all of them together make its result. Default: what earlier attempts saw through is not repeated. */
  readonly startsOver?: boolean;
  /** A step may only begin when the one before it was done. Default: objects are independent, and what failed does not keep the others from it. */
  readonly inOrder?: boolean;
  /** Reads only. Objects the configuration names but the target lacks are refused. */
  readFacts(reader: TargetReader, config: Config, context: LookContext): Promise<FactsResult<Facts>>;
  /** Pure. */
  plan(facts: Facts, config: Config): Plan;
  /** Acts and verifies by reading the catalogue. A TargetError it throws fails the step; a lost session or an abort ends the task. */
  runStep(step: PlannedStep, run: StepRun<Config>): Promise<StepOutcome>;
  /** Looks at what became of interrupted work. Left out = the catalogue cannot tell. Reads only. */
  inspect?(reader: TargetReader, work: InterruptedWork<Config>): Promise<Inspection>;
  /** Takes back what interrupted work has begun (class `compensable`), in a session that holds the target's advisory lock. Safe to call again: recovery may be cut short, too. */
  rollBack?(session: TargetSession, work: InterruptedWork<Config>): Promise<JsonObject>;
  /**
   * Removes a remnant that its proof shows to be ours, in a session that holds the target's advisory lock; `kept` where it is not. Rejects with
   * TargetError where it cannot go now: its record then stays open, for the next who comes.
   */
  sweep?(
    session: TargetSession,
    remnant: Remnant,
    context?: Pick<LookContext, 'fileRoots'>,
  ): Promise<{ readonly outcome: RemnantOutcome; readonly note: string }>;
  /** Extra figures of the whole task for its result; the runner adds counts of steps, skipped and unknown itself. */
  summarise?(results: readonly { readonly step: PlannedStep; readonly outcome: StepOutcome }[]): JsonObject;
}
