import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type {
  ConfigProblem,
  Effect,
  Executor,
  LearningKind,
  LookContext,
  NewFollowUp,
  NewLearning,
  NewRemnant,
  NewRollbackPoint,
  NewWatch,
  NodeObservation,
  Plan,
  PlannedStep,
  RemnantOutcome,
  RollbackState,
  Sample,
  StepOutcome,
  StepProgress,
  TargetAddress,
  Upkeep,
  WatchLook,
} from '@slacktide/application/ports';
import type { CheckReport, JsonObject, WatchState } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import pg from 'pg';
import { noContext, noUpkeep } from '../../../test/support/no-context.ts';

export interface RanStep {
  readonly step: PlannedStep;
  readonly outcome: StepOutcome;
}

/** What a step said it may leave behind, and how that ended; null = it did not say. */
export interface RigRemnant extends NewRemnant {
  readonly outcome: RemnantOutcome | null;
}

export interface RigRun {
  /** Null when the configuration was refused. */
  readonly plan: Plan | null;
  readonly problems: readonly ConfigProblem[];
  readonly steps: readonly RanStep[];
  readonly samples: readonly Sample[];
  readonly progress: readonly StepProgress[];
  readonly reports: readonly CheckReport[];
  readonly observations: readonly NodeObservation[];
  readonly effects: readonly Effect[];
  readonly followUps: readonly NewFollowUp[];
  readonly learnings: ReadonlyMap<LearningKind, readonly NewLearning[]>;
  readonly remnants: readonly RigRemnant[];
  readonly rollbackPoints: readonly (NewRollbackPoint & { readonly state: RollbackState })[];
  /** Ids of rollback points that were taken back. */
  readonly usedRollbacks: readonly string[];
  readonly watches: readonly (NewWatch & { readonly state: WatchState })[];
  readonly looks: readonly (WatchLook & { readonly watchId: string })[];
}

export interface RigOptions {
  /** Role to log in as; default the superuser. Its password is `postgres`. */
  readonly as?: string;
  readonly signal?: AbortSignal;
  /** Called between plan and steps, while the sessions are open. */
  readonly beforeSteps?: (plan: Plan) => Promise<void>;
  /** Sends another statement than the planned one, to see whether the executor notices. */
  readonly rewrite?: (statement: string) => string;
  /** What the throttle says between units of work. Default `go`. */
  readonly breathe?: () => 'go' | 'overloaded';
  readonly onProgress?: (update: StepProgress) => void;
  /** What the ledger remembers, and standbys. Default: nothing, none. */
  readonly context?: LookContext;
  /** What may be done with our own ledger. Default: nothing. */
  readonly upkeep?: Upkeep;
}

/** A database under care and what a worker does with it: real gateway, real sessions, real executors. */
export interface TargetRig extends AsyncDisposable {
  /** Runs as the superuser in a session that ends with it: its counters are then told, not kept for later. */
  sql<R extends object = Record<string, unknown>>(text: string, parameters?: readonly unknown[]): Promise<R[]>;
  /** Waits until the counters of a table (a column of pg_stat_all_tables each) have these values. */
  counters(table: string, expected: Readonly<Record<string, number>>): Promise<void>;
  /** A session of its own, ended with the rig. */
  connect(options?: { applicationName?: string }): Promise<pg.Client>;
  /** What `POST /plans` does. */
  plan<C extends JsonObject, F>(executor: Executor<C, F>, config: Partial<C>, options?: RigOptions): Promise<RigRun>;
  /** What the worker does, without ledger and queue. */
  run<C extends JsonObject, F>(executor: Executor<C, F>, config: Partial<C>, options?: RigOptions): Promise<RigRun>;
}

/** `database.url` is a superuser's; the database is dropped with the rig. */
export async function openRig(database: { url: string; drop(): Promise<void> }): Promise<TargetRig> {
  const clients: pg.Client[] = [];
  const connect: TargetRig['connect'] = async ({ applicationName = 'test' } = {}) => {
    const client = new pg.Client({ connectionString: database.url, application_name: applicationName });
    // Dropping the database ends sessions that a test left open.
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const sql = async <R extends object>(text: string, parameters: readonly unknown[] = []): Promise<R[]> => {
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      return (await client.query(text, [...parameters])).rows as R[];
    } finally {
      await client.end();
    }
  };
  const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });

  const work = async <C extends JsonObject, F>(
    executor: Executor<C, F>,
    given: Partial<C>,
    acts: boolean,
    options: RigOptions,
  ): Promise<RigRun> => {
    const address = addressOf(database.url, options.as);
    const signal = options.signal ?? new AbortController().signal;
    const config = executor.taskType.config.parse(given);
    const samples: Sample[] = [];
    const progress: StepProgress[] = [];
    const steps: RanStep[] = [];
    const reports: CheckReport[] = [];
    const observations: NodeObservation[] = [];
    const effects: Effect[] = [];
    const followUps: NewFollowUp[] = [];
    const learnings = new Map<LearningKind, readonly NewLearning[]>();
    const remnants: RigRemnant[] = [];
    const rollbackPoints: (NewRollbackPoint & { readonly state: RollbackState })[] = [];
    const usedRollbacks: string[] = [];
    const watches: (NewWatch & { readonly state: WatchState })[] = [];
    const looks: (WatchLook & { readonly watchId: string })[] = [];
    let plan: Plan | null = null;
    let problems: readonly ConfigProblem[] = [];
    const use: Parameters<typeof gateway.act>[2] extends (session: infer S, observer: infer O) => unknown
      ? (session: S, observer: O) => Promise<void>
      : never = async (session, observer) => {
      const facts = await executor.readFacts(observer, config, options.context ?? noContext);
      if (facts.kind === 'refused') {
        problems = facts.problems;
        return;
      }
      plan = executor.plan(facts.facts, config);
      if (!acts) return;
      await options.beforeSteps?.(plan);
      for (const planned of plan.steps) {
        const step = options.rewrite ? { ...planned, statements: planned.statements.map(options.rewrite) } : planned;
        const outcome = await executor.runStep(step, {
          session,
          observer,
          config,
          signal,
          progress: (update) => {
            progress.push(update);
            options.onProgress?.(update);
          },
          sample: (batch) => samples.push(...batch),
          remnant: async (remnant) => {
            const kept: RigRemnant = { ...remnant, outcome: null };
            remnants.push(kept);
            return async (outcome) => void Object.assign(kept, { outcome });
          },
          ...(options.context ?? noContext),
          upkeep: options.upkeep ?? noUpkeep,
          effect: async (effect) => void effects.push(effect),
          learn: async (kind, learned) => void learnings.set(kind, learned),
          followUp: async (followUp) => void followUps.push(followUp),
          rollbackPoint: async (point) => {
            const kept = { ...point, state: 'prepared' as const };
            rollbackPoints.push(kept);
            return async (state) => void Object.assign(kept, { state });
          },
          usedRollback: async (id) => void usedRollbacks.push(id),
          watch: async (watch) => {
            const kept = { ...watch, state: 'prepared' as const };
            watches.push(kept);
            return async (state) => void Object.assign(kept, { state });
          },
          looked: async (watchId, look) => void looks.push({ ...look, watchId }),
          breathe: async () => options.breathe?.() ?? 'go',
          report: async (report) => void reports.push(report),
          observe: async (observation) => void observations.push(observation),
        });
        steps.push({ step, outcome });
        if (executor.inOrder === true && outcome.kind !== 'done') break;
      }
    };
    const applicationName = 'slacktide/test/1';
    if (acts && executor.taskType.access === 'act') {
      await gateway.act(address, { applicationName, statementTimeoutMs: 60_000, signal }, use);
    } else {
      await gateway.read(address, { applicationName, signal }, (reader) =>
        use({ ...reader, execute: refuse, cleanUp: refuse }, reader),
      );
    }
    return {
      plan,
      problems,
      steps,
      samples,
      progress,
      reports,
      observations,
      effects,
      learnings,
      followUps,
      rollbackPoints,
      usedRollbacks,
      watches,
      looks,
      remnants,
    };
  };

  return {
    sql,
    counters: async (table, expected) => {
      const columns = Object.keys(expected).map((column) => `${pg.escapeIdentifier(column)}::float8`);
      const select = `SELECT ${columns.join(', ')} FROM pg_stat_all_tables WHERE relid = $1::regclass`;
      for (const started = performance.now(); ; await sleep(50)) {
        const [seen] = await sql<Record<string, unknown>>(select, [table]);
        if (isDeepStrictEqual({ ...seen }, expected)) return;
        if (performance.now() - started > 10_000) {
          throw new Error(`expected ${table} to count ${JSON.stringify(expected)}, got: ${JSON.stringify(seen)}`);
        }
      }
    },
    connect,
    plan: (executor, config, options = {}) => work(executor, config, false, options),
    run: (executor, config, options = {}) => work(executor, config, true, options),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(clients.map((client) => client.end().catch(() => undefined)));
      await database.drop();
    },
  };
}

async function refuse(): Promise<never> {
  throw new Error('observe work may only read');
}

function addressOf(url: string, role?: string): TargetAddress {
  const connection = new URL(url);
  connection.password = '';
  if (role !== undefined) connection.username = encodeURIComponent(role);
  return { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' };
}
