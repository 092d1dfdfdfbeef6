import { type PlannedStep, type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type CustomFacts, type ReadyStatement, readCustomFacts } from './facts.ts';
import type { CustomConfig } from './schema.ts';
import { send } from './send.ts';

type Run = StepRun<CustomConfig>;

/** One statement: look again at template and catalogue, send exactly what was planned, tell what came of it. */
export async function runStatement(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const now = await readCustomFacts(run.observer, run.config, run);
  if (now.kind === 'refused') {
    const [first] = now.problems;
    return failed(first?.code ?? 'refused', first?.detail ?? 'the template does not fit any more');
  }
  const { facts } = now;
  const statement = facts.statements[Number(step.data['statement'])];
  if (statement === undefined || !isAsPlanned(step, statement, facts)) {
    return failed('changed_since_planned', `what ${step.key} works on was replaced since it was planned`);
  }
  const values = statement.bound.map(({ name }) => facts.values.get(name) ?? null);
  await prepareSession(run);
  try {
    const sent = await withAccess(run, facts, () => send(step, statement, values, run));
    if (sent.kind === 'not_done') return sent.outcome;
    const about = { template: facts.template.name, version: facts.template.version, kind: statement.judged.kind };
    await tell(step, run, statement, { ...about, ...countOf(sent.result) }, sent.durationMs);
    const result = { ...about, ...shownValues(statement, facts), duration_ms: sent.durationMs, ...sent.result };
    return { kind: 'done', result };
  } catch (error) {
    if (!(error instanceof TargetError) || run.signal.aborted || !holdsSecret(statement)) throw error;
    if (error.code === 'session_lost' || error.code === 'cancelled') throw error;
    // The server's message may repeat a value.
    const message = `the server refused the statement (SQLSTATE ${error.sqlState ?? 'unknown'})`;
    return failed(error.code, message, error.sqlState === null ? {} : { sql_state: error.sqlState });
  } finally {
    await run.session.cleanUp('RESET lock_timeout').catch(() => undefined);
  }
}

function failed(code: string, message: string, detail: JsonObject = {}): StepOutcome {
  return { kind: 'failed', error: { code, message, detail } };
}

/** By text, by the object's identity, and by the template's content. */
function isAsPlanned(
  { statements, data }: PlannedStep,
  { text, relation }: ReadyStatement,
  { template }: CustomFacts,
): boolean {
  const [planned] = statements;
  return planned === text && data['relation_oid'] === (relation?.oid ?? null) && data['hash'] === template.hash;
}

/** Quotes mean to the server what they meant to the parser; waits and the statement itself are bounded. */
async function prepareSession({ config, session }: Run): Promise<void> {
  await session.query(
    `SELECT set_config('standard_conforming_strings', 'on', false), set_config('lock_timeout', $1, false)`,
    [`${config.table_lock_seconds}s`],
  );
  const limitSeconds = config.statement_timeout_seconds;
  if (limitSeconds === null) return;
  // Never longer than the task and its window allow.
  await session.query(
    `SELECT set_config('statement_timeout', least($1::int8, nullif(setting::int8, 0))::text, false)
FROM pg_settings WHERE name = 'statement_timeout'`,
    [limitSeconds * 1_000],
  );
}

/** What only reads is held to it by the server, whatever its functions do. */
async function withAccess<T>({ session }: Run, { template }: CustomFacts, work: () => Promise<T>): Promise<T> {
  if (template.access === 'act') return await work();
  await session.execute('SET default_transaction_read_only = on');
  try {
    return await work();
  } finally {
    await session.cleanUp('RESET default_transaction_read_only').catch(() => undefined);
  }
}

function holdsSecret({ bound }: ReadyStatement): boolean {
  return bound.some(({ secret }) => secret);
}

function shownValues({ bound }: ReadyStatement, { values }: CustomFacts): JsonObject {
  const shown = bound.filter(({ secret }) => !secret).map(({ name }) => [name, values.get(name) ?? null] as const);
  return shown.length === 0 ? {} : { parameters: Object.fromEntries(shown) };
}

function countOf({ row_count: rowCount }: JsonObject): JsonObject {
  return rowCount === undefined ? {} : { row_count: rowCount };
}

/** Known by its step: how long the same statement took before tells how long it takes. */
async function tell(
  { key }: PlannedStep,
  run: Run,
  { relation }: ReadyStatement,
  about: JsonObject,
  durationMs: number,
): Promise<void> {
  const objectKind = relation === null ? 'database' : relation.isIndex ? 'index' : 'table';
  const detail = { ...about, relation: relation?.quoted ?? null };
  const sizes = { sizeBeforeBytes: null, sizeAfterBytes: null, wasteBeforePercent: null, wasteAfterPercent: null };
  await run.effect({ action: 'custom', object: key, objectKind, durationMs, ...sizes, detail });
}
