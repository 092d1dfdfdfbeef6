import { setTimeout as sleep } from 'node:timers/promises';
import { type StepRun, TargetError, type TargetReader } from '@slacktide/application/ports';
import { readBlockers, watchProgress } from '@slacktide/targets';
import { inWords } from '../run-on-table.ts';
import { clearRemains, lostAmidWork, readUnusable, type Workplace } from './concurrent-remains.ts';
import { type NotDone, refusedByServer } from './not-done.ts';
import type { FindingActionConfig } from './schema.ts';
import type { ConcurrentStatement } from './statement-kind.ts';

type Run = StepRun<FindingActionConfig>;

const gatePollMs = 1_000;
const progressEveryMs = 500;
/** Bounds each single wait of a CONCURRENTLY statement, for locks and for snapshots. */
const concurrentLockTimeout = '30s';

/** Passes the gate, sends, and clears up when it failed. Null = done. */
export async function sendConcurrent(sql: string, statement: ConcurrentStatement, run: Run): Promise<NotDone | null> {
  const tableOid = await readTableOf(run.observer, statement.relation);
  // What is not there cannot be waited for, and nothing is left of it: the server says what is wrong, if anything is.
  if (tableOid === null) {
    await run.session.execute(sql);
    return null;
  }
  const blockers = await waitForGate(run, tableOid, statement);
  if (blockers.length > 0) {
    const message = `older transactions are in the way: ${blockers.join('; ')}`;
    return { code: 'blocked', message, detail: { blockers } };
  }
  const before = await readUnusable(run.observer, tableOid, run.session.identity.pid);
  try {
    await sendWatched(sql, run);
    return null;
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    return await afterFailure(error, run, { statement, tableOid, before });
  }
}

async function sendWatched(sql: string, run: Run): Promise<void> {
  await run.session.execute(`SET lock_timeout = '${concurrentLockTimeout}'`);
  const stop = watchProgress(run.observer, run.session.identity.pid, progressEveryMs, (update) =>
    run.progress({ phase: update.phase, percent: update.percent, etaSeconds: update.etaSeconds }),
  );
  try {
    await run.session.execute(sql);
  } finally {
    await stop();
  }
}

/** The table that a table or an index is, or belongs to; null when it is not there. */
async function readTableOf(reader: TargetReader, relation: string): Promise<number | null> {
  const [row] = await reader.query<{ oid: number }>(
    `SELECT coalesce(i.indrelid, c.oid) AS oid FROM pg_class c LEFT JOIN pg_index i ON i.indexrelid = c.oid
WHERE c.oid = to_regclass($1)`,
    [relation],
  );
  return row?.oid ?? null;
}

/** Waits until nobody would make the statement wait; tells who still does when the time is up. */
async function waitForGate(run: Run, tableOid: number, { operation }: ConcurrentStatement): Promise<readonly string[]> {
  const startedAtMs = performance.now();
  for (;;) {
    const blockers = await readBlockers(run.observer, tableOid, operation, [run.session.identity.pid]);
    if (blockers.length === 0) return [];
    if (performance.now() - startedAtMs >= run.config.gate_timeout_seconds * 1000) return blockers.map(inWords);
    run.progress({ phase: 'waiting for older transactions', percent: null, etaSeconds: null });
    await sleep(gatePollMs, undefined, { signal: run.signal });
  }
}

/** A clean cancel is thrown on; with something left, even a cancelled statement ends as failed, naming it. */
async function afterFailure(error: TargetError, run: Run, workplace: Workplace): Promise<NotDone> {
  if (error.code === 'session_lost') throw await lostAmidWork(error, run, workplace);
  const { dropped, left } = await clearRemains(run, workplace);
  if (error.code === 'cancelled' && left.length === 0) throw error;
  const { code, message, detail } = refusedByServer(error);
  const rest = left.length === 0 ? '' : ` Left behind: ${left.join('; ')}`;
  return { code, message: `${message}${rest}`, detail: { ...detail, dropped, left } };
}
