import type {
  Executor,
  Inspection,
  InterruptedWork,
  Plan,
  PlannedStep,
  StepOutcome,
  StepRun,
  TargetReader,
  TargetSession,
  TaskType,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type WitnessConfig, witnessTaskTypes } from './witness-types.ts';

/** What the witness tasks need on a target, as SQL for its owner. Effects name the session that had them. */
export const witnessSchema = `
  CREATE SCHEMA witness;
  CREATE TABLE witness.effects (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    application_name text NOT NULL DEFAULT current_setting('application_name'),
    step text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE witness.undone (application_name text NOT NULL, effects int NOT NULL);
`;

/** The executors of the witness task types, for test workers only. */
export const witnessExecutors: readonly Executor[] = [
  actor(witnessTaskTypes.act),
  actor(witnessTaskTypes.once),
  { ...actor(witnessTaskTypes.undo), rollBack },
  { ...actor(witnessTaskTypes.look), plan: planLooks, runStep: look },
];

function actor(taskType: TaskType<WitnessConfig>): Executor<WitnessConfig, null> {
  return {
    taskType,
    readFacts: async () => ({ kind: 'facts', facts: null }),
    plan: (_facts, config) => planSteps(config, actStatement),
    runStep: act,
    inspect,
  };
}

/** The effect and its duration are one statement: whoever cuts it short leaves nothing behind. */
function actStatement(step: string, config: WitnessConfig): string {
  return `INSERT INTO witness.effects (step) SELECT '${step}' FROM pg_sleep(${config.ms / 1000})`;
}

function planLooks(_facts: unknown, config: WitnessConfig): Plan {
  return planSteps(config, (step) => `SELECT '${step}' AS witness_look FROM pg_sleep(${config.ms / 1000})`);
}

function planSteps(config: WitnessConfig, statement: (step: string, config: WitnessConfig) => string): Plan {
  const steps = Array.from({ length: config.steps }, (_, index): PlannedStep => {
    const key = `step-${index + 1}`;
    return {
      key,
      object: { kind: 'database', oid: null, schema: null, name: key },
      statements: [statement(key, config)],
      lockMode: null,
      sizeBytes: null,
      expectedSeconds: config.ms / 1000,
      reversible: false,
      data: {},
    };
  });
  return { steps, checked: steps.length, skipped: [], unknown: [] };
}

async function act(step: PlannedStep, run: StepRun<WitnessConfig>): Promise<StepOutcome> {
  if (run.config.dies) process.kill(process.pid, 'SIGKILL');
  const { durationMs } = await run.session.execute(onlyStatement(step));
  return { kind: 'done', result: { duration_ms: durationMs } };
}

async function look(step: PlannedStep, run: StepRun<WitnessConfig>): Promise<StepOutcome> {
  await run.observer.query(onlyStatement(step));
  return { kind: 'done', result: {} };
}

function onlyStatement({ statements: [statement] }: PlannedStep): string {
  if (statement === undefined) throw new Error('expected a statement');
  return statement;
}

async function inspect(reader: TargetReader, work: InterruptedWork<WitnessConfig>): Promise<Inspection> {
  if (!work.config.tells) return { kind: 'unclear', evidence: { why: 'told not to tell' } };
  const effects = await reader.query<{ step: string }>(
    'SELECT DISTINCT step FROM witness.effects WHERE application_name = $1',
    [work.intent.applicationName],
  );
  // Steps that earlier attempts saw through are in the ledger; this session had to do the rest.
  const done = new Set(effects.map(({ step }) => step));
  for (const { key, state } of work.steps) if (state === 'SUCCEEDED') done.add(key);
  return done.size >= work.config.steps ? { kind: 'done', result: { effects: effects.length } } : { kind: 'not_done' };
}

/** Takes the effects of the interrupted session back, and says how many there were. */
async function rollBack(session: TargetSession, work: InterruptedWork<WitnessConfig>): Promise<JsonObject> {
  const [row] = await session.query<{ effects: number }>(
    `WITH gone AS (DELETE FROM witness.effects WHERE application_name = $1 RETURNING id),
       noted AS (INSERT INTO witness.undone SELECT $1, count(*) FROM gone)
     SELECT count(*)::int AS effects FROM gone`,
    [work.intent.applicationName],
  );
  return { undone: row?.effects ?? 0 };
}
