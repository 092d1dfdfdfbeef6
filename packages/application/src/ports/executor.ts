import type { Access, CheckReport, JsonObject, SafetyClass, Step, TaskCategory, TaskError } from '@slacktide/domain';
import type { z } from 'zod';
import type { NodeObservation } from './observations.ts';
import type { NewRemnant, Remnant, RemnantOutcome } from './recoveries.ts';
import type { LookContext } from './target-memory.ts';
import type { TargetReader, TargetSession } from './target-session.ts';
import type { Intent, Sample } from './task-executions.ts';

/** The pure face of a task type: what the API needs to list it and to check a configuration. */
export interface TaskType<Config extends JsonObject = JsonObject> {
  readonly type: string;
  readonly category: TaskCategory;
  readonly access: Access;
  readonly class: SafetyClass;
  readonly description: string;
  /** The request that starts it, where that is the only way: no schedule or plan may name it. */
  readonly startedBy?: string;
  /** Strict: unknown keys are refused; every key has a default and a description. */
  readonly config: z.ZodType<Config>;
}

export interface ObjectRef {
  readonly kind: 'index' | 'table' | 'database' | 'cluster';
  /** Catalogue OID; null for cluster-wide work. */
  readonly oid: number | null;
  readonly schema: string | null;
  readonly name: string;
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
  /** What only the executor needs to know. */
  readonly data: JsonObject;
}

/** What will be done, and what will not and why (law 8). */
export interface Plan {
  readonly steps: readonly PlannedStep[];
  /** How many objects were looked at. */
  readonly checked: number;
  readonly skipped: readonly { readonly object: string; readonly reason: string }[];
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
  /** Aborted by cancel, lost lease, drain or window close; the statement in flight is cancelled by the session itself. */
  readonly signal: AbortSignal;
  progress(update: StepProgress): void;
  /** Keeps figures for later forecasts. */
  sample(samples: readonly Sample[]): void;
  /** Keeps what a check found, with the configuration it judged by. Rejects when the right to write is gone. */
  report(report: CheckReport, config: JsonObject): Promise<void>;
  /** Keeps what the counters of one node said. Rejects when the right to write is gone. */
  observe(observation: NodeObservation): Promise<void>;
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

export type StepOutcome =
  | { readonly kind: 'done'; readonly result: JsonObject }
  | { readonly kind: 'skipped'; readonly reason: string; readonly result?: JsonObject }
  | { readonly kind: 'failed'; readonly error: TaskError };

/**
 * One task type on the real thing. The worker reads facts, plans, checks the gate, then runs each step in order;
 * `POST /plans` stops after the plan.
 */
export interface Executor<Config extends JsonObject = JsonObject, Facts = unknown> {
  readonly taskType: TaskType<Config>;
  /** A new attempt does every step again, because only all of them together make its result. Default: what earlier attempts saw through is not repeated. */
  readonly startsOver?: boolean;
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
  ): Promise<{ readonly outcome: RemnantOutcome; readonly note: string }>;
  /** Extra figures of the whole task for its result; the runner adds counts of steps, skipped and unknown itself. */
  summarise?(results: readonly { readonly step: PlannedStep; readonly outcome: StepOutcome }[]): JsonObject;
}
