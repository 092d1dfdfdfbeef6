import { setTimeout as sleep } from 'node:timers/promises';
import { blockerJson, passGate, runOnTable, shortAttempts, waiterJson, watchWaiters } from '@slacktide/acting';
import { type PlannedStep, type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { finalizeAttemptsMs } from './detach-remnant.ts';
import { readPartitionState } from './partition-state.ts';
import type { RetentionConfig } from './schema.ts';
import type { PartitionData } from './step-data.ts';

type Run = StepRun<RetentionConfig>;

/** How a detach ended, by what the catalogue shows. */
export type Detached =
  | { readonly kind: 'detached' }
  /** Attached as before. */
  | { readonly kind: 'untouched'; readonly outcome: StepOutcome }
  /** Half detached: it is finished by the next task, or by whoever calls for FINALIZE. */
  | { readonly kind: 'pending'; readonly outcome: StepOutcome };

const finalizePauseMs = 1_500;

/**
 * Detaches one partition. CONCURRENTLY waits for the transactions of others where it holds nothing that others wait for, behind a gate and under a watchdog; what
 * takes ACCESS EXCLUSIVE goes in short attempts. Never believes the end of a statement.
 */
export async function detach(step: PlannedStep, data: PartitionData, run: Run): Promise<Detached> {
  const [statement = ''] = step.statements;
  if (data.mode === 'plain') return await detachPlainly(statement, data, run);
  for (const oid of [data.parent_oid, data.partition_oid]) {
    // FINALIZE waits for older snapshots, a detach for whoever has used the table.
    const gate = await passGate(run, oid, data.mode === 'finalize' ? 'reindex' : 'drop', run.config);
    if (!gate.open) return { kind: 'untouched', outcome: { kind: 'skipped', reason: 'blocked', result: gate.found } };
  }
  if (data.mode === 'finalize') return await finishPending(step, data, run, null);
  return await detachConcurrently(step, statement, data, run);
}

async function detachPlainly(statement: string, data: PartitionData, run: Run): Promise<Detached> {
  const attempts = shortAttempts(run.config.lock_limit_seconds * 1_000);
  const ran = await runOnTable(run, { tableOid: data.parent_oid, statement, lock: 'ACCESS EXCLUSIVE', ...attempts });
  if (ran.kind === 'ran') return await judge(data, run, null);
  const result = { blockers: ran.blockers.map(blockerJson), waited_ms: Math.round(ran.waitedMs) };
  return { kind: 'untouched', outcome: { kind: 'skipped', reason: 'locked', result } };
}

async function detachConcurrently(
  step: PlannedStep,
  statement: string,
  data: PartitionData,
  run: Run,
): Promise<Detached> {
  const { lock_timeout_seconds, max_blocking_seconds } = run.config;
  await run.session.query(`SELECT set_config('lock_timeout', $1, false)`, [`${lock_timeout_seconds}s`]);
  run.progress({ phase: 'detaching', percent: null, etaSeconds: null });
  const watch = watchWaiters(run, max_blocking_seconds);
  try {
    await run.session.execute(statement, { signal: watch.signal });
    await watch.stop();
    return await judge(data, run, null);
  } catch (error) {
    const blocked = await watch.stop();
    if (!(error instanceof TargetError) || error.code === 'session_lost') throw error;
    const gaveWay = blocked.length > 0 && !run.signal.aborted;
    const code = gaveWay ? 'blocking_others' : error.code;
    const why = gaveWay ? `others had to wait for it for more than ${max_blocking_seconds} s` : error.message;
    const failure = { code, why, detail: { sql_state: error.sqlState, waiting: blocked.map(waiterJson) } };
    const state = await readPartitionState(run.observer, data.partition_oid);
    if (state?.pending === true) return await finishPending(step, data, run, failure);
    if (run.signal.aborted) throw error;
    return await judge(data, run, failure);
  }
}

interface Failure {
  readonly code: string;
  readonly why: string;
  readonly detail: JsonObject;
}

/** After an abort it has one attempt, of the time that cleaning up has. */
async function finishPending(
  step: PlannedStep,
  data: PartitionData,
  run: Run,
  failure: Failure | null,
): Promise<Detached> {
  const statement = `ALTER TABLE ${data.parent} DETACH PARTITION ${step.key} FINALIZE`;
  let last: Failure = failure ?? { code: 'lock_timeout', why: 'its lock could not be had', detail: {} };
  for (const [attempt, limitMs] of finalizeAttemptsMs.entries()) {
    if (attempt > 0 && run.signal.aborted) break;
    if (attempt > 0) await sleep(finalizePauseMs, undefined, { signal: run.signal }).catch(() => undefined);
    try {
      await run.session.cleanUp(`SET lock_timeout = '${limitMs}ms'`);
      await run.session.cleanUp(statement);
      return { kind: 'detached' };
    } catch (error) {
      if (!(error instanceof TargetError) || error.code === 'session_lost') throw error;
      last = { code: error.code, why: error.message, detail: { sql_state: error.sqlState } };
      if (error.code !== 'lock_timeout') break;
    }
  }
  return await judge(data, run, failure ?? last);
}

/** By the catalogue. */
async function judge(data: PartitionData, run: Run, failure: Failure | null): Promise<Detached> {
  const state = await readPartitionState(run.observer, data.partition_oid);
  if (state === undefined || state.parentOid === null) return { kind: 'detached' };
  const { code, why, detail } = failure ?? {
    code: 'not_verified',
    why: 'the statement ended with success, but the catalogue shows no change',
    detail: {},
  };
  if (!state.pending) {
    if (code === 'lock_timeout')
      return { kind: 'untouched', outcome: { kind: 'skipped', reason: 'locked', result: { message: why } } };
    return {
      kind: 'untouched',
      outcome: { kind: 'failed', error: { code, message: `${state.quoted} is attached as before: ${why}`, detail } },
    };
  }
  const message = `${state.quoted} is half detached, and the next task on the target finishes that: ${why}`;
  return {
    kind: 'pending',
    outcome: { kind: 'failed', error: { code: 'detach_pending', message, detail: { ...detail, cause: code } } },
  };
}
