import { blockerJson } from '@slacktide/acting';
import { type PlannedStep, type ProgramEnd, type StepRun, TargetError } from '@slacktide/application/ports';
import { type Blocker, readBlockers } from '@slacktide/targets';
import { isRepackAtWork, removeLeftovers, repackRemnant } from './repack-leftovers.ts';
import type { StorageCompactionConfig } from './schema.ts';
import { ended, type Stage, type StageResult, settleStage, wrongAfterRewrite } from './stage.ts';
import { readCompactTable } from './tables.ts';

type Run = StepRun<StorageCompactionConfig>;

/** pg_repack, which copies the table beside the work of others and takes ACCESS EXCLUSIVE for moments, in short goes of its own; with `-D` it ends nobody. */
export async function rewriteByRepack(step: PlannedStep, run: Run, before: Stage): Promise<StageResult> {
  const { table } = before;
  const args = step.data['rewrite_args'] as readonly string[];
  const { runProgram } = run.session;
  if (runProgram === undefined) return ended({ kind: 'skipped', reason: 'pg_repack_program_missing' });
  // Somebody else's pg_repack, or what it left: not ours to judge.
  if (table.repackObjects.length > 0 || (await isRepackAtWork(run.observer, table.oid))) {
    const result = { leftovers: [...table.repackObjects] };
    return ended({ kind: 'skipped', reason: 'pg_repack_leftover', result });
  }
  const old = await readOld(run, table.oid);
  if (old.length > 0) {
    return ended({ kind: 'skipped', reason: 'blocked', result: { blockers: old.map(blockerJson) } });
  }
  const close = await run.remnant(await repackRemnant(run.session, table));
  run.progress({ phase: 'pg_repack', percent: null, etaSeconds: step.expectedSeconds });
  let end: ProgramEnd;
  try {
    end = await runProgram('pg_repack', args);
  } catch (error) {
    const left = await clear(run, table.oid, close);
    if (left !== null && error instanceof TargetError && error.code === 'cancelled')
      return failed(step, error.code, left);
    throw error;
  }
  const left = await clear(run, table.oid, close);
  const after = await readCompactTable(run.observer, table.oid);
  // It ends with success also when it gave up waiting for a lock.
  const wrong = wrongAfterRewrite(table, after);
  if (wrong !== null) return notRewritten(step, end, wrong, left);
  const settled = await settleStage(run, before, { method: 'repack', durationMs: end.durationMs });
  return left === null ? settled : failed(step, 'leftover', left);
}

/** Whoever is there when it begins is waited for to the end, on whatever table: with the copy's locks and its log growing meanwhile. */
async function readOld(run: Run, tableOid: number): Promise<Blocker[]> {
  const blockers = await readBlockers(run.observer, tableOid, 'reindex', [run.session.identity.pid]);
  return blockers.filter(
    ({ transactionAgeSeconds, preparedTransaction }) =>
      preparedTransaction !== null || (transactionAgeSeconds ?? 0) > run.config.max_transaction_age_seconds,
  );
}

/** Null = nothing is left; what is left stays on record. Never throws. */
async function clear(run: Run, tableOid: number, close: Awaited<ReturnType<Run['remnant']>>): Promise<string | null> {
  try {
    const removed = await removeLeftovers(tableOid, run.observer, (statement) => run.session.cleanUp(statement));
    await close(removed.length === 0 ? 'absent' : 'swept', removed.join(', '));
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function notRewritten(step: PlannedStep, end: ProgramEnd, wrong: string, left: string | null): StageResult {
  const said = tellingLines(end.output);
  const rest = left === null ? '' : ` What it left could not be removed: ${left}`;
  if (
    left === null &&
    end.exitCode === 0 &&
    /timed out|due to timeout/i.test(said) &&
    step.data['reason'] !== 'named'
  ) {
    return ended({ kind: 'skipped', reason: 'locked', result: { said } });
  }
  const code = /timed out|due to timeout/i.test(said) ? 'lock_timeout' : 'pg_repack_failed';
  const message = `pg_repack of ${step.key} ended with ${end.exitCode ?? 'a signal'}, and ${wrong}; it said: ${said}.${rest}`;
  return ended({ kind: 'failed', error: { code, message, detail: { exit_code: end.exitCode, said } } });
}

function failed(step: PlannedStep, code: string, left: string): StageResult {
  const message = `pg_repack of ${step.key} left something behind that could not be removed: ${left}`;
  return ended({ kind: 'failed', error: { code, message, detail: { left } } });
}

const longestTold = 500;

/** Without its DETAIL, which can hold rows, and its HINT. */
function tellingLines(output: string): string {
  const lines = output.split('\n').filter((line) => /^(WARNING|ERROR|INFO|NOTICE): /.test(line));
  return lines.join(' ').slice(-longestTold) || 'nothing';
}
