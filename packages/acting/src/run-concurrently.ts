import { isWorkingCopyName, watchProgress } from '@slacktide/targets';
import type { ActRun } from './act-run.ts';
import { afterConcurrentFailure } from './after-concurrent-failure.ts';
import { concurrentRemnant, readConcurrentProof } from './concurrent-remnant.ts';
import type { ConcurrentEnd, ConcurrentLimits, ConcurrentWork } from './concurrent-work.ts';
import { passGate } from './start-gate.ts';
import { buildsCorruptIndexes } from './unsafe-builds.ts';
import { readUnusable, type UnusableIndex } from './unusable-indexes.ts';
import { type Waiter, watchWaiters } from './watchdog.ts';

const progressEveryMs = 500;

/**
 * CREATE, REINDEX or DROP INDEX CONCURRENTLY as it is safe: passes the start gate, writes down what may be left behind, sends the statement under the
 * eyes of the watchdog, and clears away what a failure left. That it ended with success is all `done` says: the catalogue is for the caller to read.
 * Rejects with TargetError `cancelled` when it was told to stop and nothing is left, and with `session_lost`.
 */
export async function runConcurrently(
  run: ActRun,
  work: ConcurrentWork,
  limits: ConcurrentLimits,
): Promise<ConcurrentEnd> {
  const refusal = await refusalOf(run, work);
  if (refusal !== null) return refusal;
  const gate = await passGate(run, work.tableOid, work.operation, limits);
  if (!gate.open) return { kind: 'skipped', reason: 'blocked', result: gate.found };
  const changed = (await work.lookAgain?.()) ?? null;
  if (changed !== null) return { kind: 'skipped', reason: 'changed', result: changed };
  const remnant = await concurrentRemnant(run.session, work);
  const proof = readConcurrentProof(remnant.proof);
  if (proof === undefined) throw new Error('expected a record of our own to be readable');
  const close = await run.remnant(remnant);
  const startedAtMs = performance.now();
  let blocked: readonly Waiter[] = [];
  try {
    const durationMs = await send(run, work, limits, (waiters) => {
      blocked = waiters;
    });
    await close('absent', 'the statement ended with success');
    return { kind: 'done', durationMs, gate: gate.found };
  } catch (error) {
    const durationMs = Math.round(performance.now() - startedAtMs);
    const rebuild = (lost: UnusableIndex) => runConcurrently(run, rebuildOf(lost, work), { ...limits, gate: 'wait' });
    const failed = { proof, limits, gate: gate.found, blocked, durationMs, close, rebuild };
    return await afterConcurrentFailure(error, run, failed);
  } finally {
    // What follows in this session has its own patience. A session that is gone needs none.
    await run.session.cleanUp('RESET lock_timeout').catch(() => undefined);
  }
}

/** What may not even begin. */
async function refusalOf(
  { session, observer }: ActRun,
  { operation, tableOid, index }: ConcurrentWork,
): Promise<ConcurrentEnd | null> {
  if (operation !== 'drop' && buildsCorruptIndexes(session.serverVersion)) {
    const message =
      'PostgreSQL 14.0 to 14.3 may corrupt an index that is built CONCURRENTLY: update to 14.4 or later first';
    return { kind: 'failed', error: { code: 'unsafe_server_version', message } };
  }
  if (operation !== 'reindex') return null;
  const unusable = await readUnusable(observer, tableOid, session.identity.pid);
  const leftovers = unusable.filter(({ name }) => isWorkingCopyName(name, index)).map(({ quoted }) => quoted);
  return leftovers.length === 0 ? null : { kind: 'skipped', reason: 'leftover_present', result: { leftovers } };
}

function rebuildOf({ quoted, name }: UnusableIndex, { tableOid, schema, step }: ConcurrentWork): ConcurrentWork {
  const statement = `REINDEX INDEX CONCURRENTLY ${quoted}`;
  // Another step for recovery: that the index is valid again does not mean that it was dropped.
  return { operation: 'reindex', statement, tableOid, schema, index: name, step: `repair of ${step}` };
}

async function send(
  run: ActRun,
  { statement }: ConcurrentWork,
  limits: ConcurrentLimits,
  onBlocking: (waiters: readonly Waiter[]) => void,
): Promise<number> {
  // Bounds each single wait; the whole is bounded by the session's statement_timeout.
  await run.session.execute(`SET lock_timeout = '${limits.lock_timeout_seconds}s'`);
  const stop = watchProgress(run.observer, run.session.identity.pid, progressEveryMs, (update) =>
    run.progress({ phase: update.phase, percent: update.percent, etaSeconds: update.etaSeconds }),
  );
  const watch = watchWaiters(run, limits.max_blocking_seconds);
  try {
    const { durationMs } = await run.session.execute(statement, { signal: watch.signal });
    return durationMs;
  } finally {
    onBlocking(await watch.stop());
    await stop();
  }
}
