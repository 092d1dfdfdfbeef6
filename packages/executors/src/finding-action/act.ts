import { blockerWords, runOnTable, statementKind, type TableLock, warningsOf } from '@slacktide/acting';
import {
  type PlannedStep,
  type StepOutcome,
  type StepRun,
  TargetError,
  type TargetReader,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { lookBefore, tellEffect } from './effect-of.ts';
import { type NotDone, refusedByServer } from './not-done.ts';
import type { FindingActionConfig } from './schema.ts';
import { sendConcurrent } from './send-concurrent.ts';
import { openWaysBack, type WaysBack } from './ways-back.ts';
import { whyNoWayBack, workOf } from './work-of.ts';

type Run = StepRun<FindingActionConfig>;

/** Everybody who comes after us queues behind our wait, and gets through between two attempts. */
const attemptsMs = [3_000, 3_000, 3_000, 3_000, 3_000];
const pauseMs = 1_000;

/**
 * All statements in their order, each with its way back written before and its effect after. The first that fails ends the step, and what it left
 * invalid is dropped.
 */
export async function doStatements(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const { plan_id, finding_id } = run.config;
  if (plan_id === '') return { kind: 'skipped', reason: 'no_plan_was_shown' };
  const done: JsonObject[] = [];
  const ways = openWaysBack(step, run);
  for (const statement of step.statements) {
    const ended = await act(statement, step, run, { ways, isFirst: done.length === 0 });
    if (ended.kind === 'not_done') {
      await ways.close();
      const { code, message, detail } = ended.notDone;
      // What was done before stays done: this is how to take it back.
      const takeBack = done.length === 0 ? {} : { rollback_sql: step.data['rollback_sql'] ?? [] };
      return {
        kind: 'failed',
        error: { code, message, detail: { finding_id, done, statement, ...detail, ...takeBack } },
      };
    }
    done.push({ statement, duration_ms: ended.durationMs });
  }
  await ways.close();
  const result = { finding_id, statements: done, rollback_sql: step.data['rollback_sql'] ?? [] };
  return { kind: 'done', result: { ...result, ...wayBackOf(step, ways) } };
}

/** What `POST /jobs/{id}/rollback` would take back, or why nothing. */
function wayBackOf({ statements }: PlannedStep, { objects }: WaysBack): JsonObject {
  const last = statements.at(-1);
  if (objects.length > 0 || last === undefined) return { rollback_points: [...objects] };
  return { rollback_points: [], no_rollback_because: whyNoWayBack(workOf(last)) };
}

type Ended =
  | { readonly kind: 'done'; readonly durationMs: number }
  | { readonly kind: 'not_done'; readonly notDone: NotDone };

/** One statement, between its way back and its effect. */
async function act(
  statement: string,
  step: PlannedStep,
  run: Run,
  { ways, isFirst }: { readonly ways: WaysBack; readonly isFirst: boolean },
): Promise<Ended> {
  try {
    const before = await lookBefore(statement, run);
    await ways.prepare(statement);
    const startedAtMs = performance.now();
    const notDone = await send(statement, step, run).catch((error: unknown) => notDoneBy(error, run, isFirst));
    const durationMs = Math.round(performance.now() - startedAtMs);
    await ways.settle(statement, notDone === null);
    if (notDone !== null) return { kind: 'not_done', notDone };
    await tellEffect(statement, before, durationMs, step, run);
    return { kind: 'done', durationMs };
  } catch (error) {
    return { kind: 'not_done', notDone: notDoneBy(error, run, isFirst) };
  }
}

/** Once something was done, a cancel is told as a failure, for what was done to be told. */
function notDoneBy(error: unknown, run: Run, isFirst: boolean): NotDone {
  if (run.signal.aborted && !isFirst && !isLost(error)) {
    return { code: 'cancelled', message: 'The work was cancelled before all of it was done.', detail: {} };
  }
  if (!(error instanceof TargetError) || error.code === 'cancelled' || isLost(error)) throw error;
  return refusedByServer(error);
}

/** Null = it was done. */
async function send(statement: string, step: PlannedStep, run: Run): Promise<NotDone | null> {
  const kind = statementKind(statement);
  if (kind.kind === 'concurrent') return await sendConcurrent(statement, kind, step.key, run);
  if (kind.kind === 'select') return await sendSelect(statement, run);
  return await sendShort(statement, kind.kind === 'vacuum', step, run);
}

function isLost(error: unknown): boolean {
  return error instanceof TargetError && error.code === 'session_lost';
}

/** A row that says no, or no row, is what a session that is gone or may not be ended gives; a function that returns nothing has done it. */
async function sendSelect(statement: string, run: Run): Promise<NotDone | null> {
  const rows = await run.session.query<Record<string, unknown>>(statement);
  const did = rows.some((row) => Object.values(row).some((value) => value !== false && value !== null));
  return did
    ? null
    : { code: 'nothing_done', message: 'what it was to be done to is gone, has changed, or is refused', detail: {} };
}

/** A short wait for the lock, some times over. */
async function sendShort(statement: string, isVacuum: boolean, step: PlannedStep, run: Run): Promise<NotDone | null> {
  const tableOid = await readTable(run.observer, step);
  if (tableOid === null) {
    await run.session.execute(`SET lock_timeout = '${attemptsMs[0] ?? 0}ms'`);
    await run.session.execute(statement);
    return null;
  }
  const lock: TableLock = step.lockMode === 'SHARE UPDATE EXCLUSIVE' ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE';
  const ran = await runOnTable(run, { tableOid, statement, lock, attemptsMs, pauseMs });
  if (ran.kind === 'locked') {
    const blockers = ran.blockers.map(blockerWords);
    const message = `no lock within ${Math.round(ran.waitedMs / 1000)} s; in the way: ${blockers.join('; ') || 'nobody any more'}`;
    return { code: 'lock_timeout', message, detail: { blockers } };
  }
  const warnings = isVacuum ? warningsOf(ran.notices) : [];
  return warnings.length === 0
    ? null
    : { code: 'skipped_by_server', message: warnings.join('; '), detail: { warnings } };
}

/** The table the finding is about, or the one its object belongs to; null where there is none. */
async function readTable(
  reader: TargetReader,
  { object: { schema, name }, data }: PlannedStep,
): Promise<number | null> {
  const table = data['table'];
  const [row] = await reader.query<{ oid: number }>(
    `SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'm', 't')`,
    [schema, typeof table === 'string' ? table : name],
  );
  return row?.oid ?? null;
}
