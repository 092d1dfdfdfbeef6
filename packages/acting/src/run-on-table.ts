import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Notice,
  type PlannedStep,
  type StepOutcome,
  type StepRun,
  TargetError,
} from '@slacktide/application/ports';
import { type Blocker, readBlockers, watchProgress } from '@slacktide/targets';
import { blockerJson, blockerWords } from './blocker-words.ts';

/** Often enough to be live, rare enough to cost the target nothing. */
const progressEveryMs = 500;
const autovacuumPollMs = 250;

/** What a statement on a table takes. */
export type TableLock = 'SHARE UPDATE EXCLUSIVE' | 'SHARE' | 'ACCESS EXCLUSIVE';

export interface OnTable {
  readonly tableOid: number;
  readonly statement: string;
  readonly lock: TableLock;
  /** How long each attempt waits for the lock; between attempts everybody queued behind us gets through. */
  readonly attemptsMs: readonly number[];
  readonly pauseMs: number;
  /** Sends the statement where its rows matter, too. Default: `execute`. */
  readonly send?: (statement: string) => Promise<{ readonly notices: readonly Notice[]; readonly durationMs: number }>;
}

export type TableRun =
  | { readonly kind: 'ran'; readonly notices: readonly Notice[]; readonly durationMs: number }
  | { readonly kind: 'locked'; readonly waitedMs: number; readonly blockers: readonly Blocker[] };

/**
 * Runs one statement on a table with live progress. Nobody is ever cancelled for it: an autovacuum worker, which would give
 * way to our waiting lock and lose its work, is waited for without queueing, and a lock that is not granted in time ends
 * the attempt. Rejects with TargetError, but not for `lock_timeout`.
 */
export async function runOnTable<C>(run: StepRun<C>, on: OnTable): Promise<TableRun> {
  const started = performance.now();
  const send = on.send ?? ((statement) => run.session.execute(statement));
  const limitMs = on.attemptsMs.reduce((sum, attemptMs) => sum + attemptMs + on.pauseMs, -on.pauseMs);
  let free = await autovacuumIsAway(run, on.tableOid, limitMs);
  for (const [attempt, attemptMs] of on.attemptsMs.entries()) {
    if (!free) break;
    if (attempt > 0) await sleep(on.pauseMs, undefined, { signal: run.signal });
    await run.session.query(`SELECT set_config('lock_timeout', $1, false)`, [`${attemptMs}ms`]);
    const stop = watchProgress(run.observer, run.session.identity.pid, progressEveryMs, (update) =>
      run.progress({ phase: update.phase, percent: update.percent, etaSeconds: update.etaSeconds }),
    );
    try {
      return { kind: 'ran', ...(await send(on.statement)) };
    } catch (error) {
      if (!(error instanceof TargetError) || error.code !== 'lock_timeout') throw error;
    } finally {
      await stop();
    }
    free = await autovacuumIsAway(run, on.tableOid, 0);
  }
  return { kind: 'locked', waitedMs: performance.now() - started, blockers: await readInTheWay(run, on) };
}

/** A table that was found due waits for the next run; one that was asked for by name has not got what was asked. */
export function lockedOutcome(step: PlannedStep, locked: TableRun & { kind: 'locked' }): StepOutcome {
  const blockers = locked.blockers.map((blocker) => {
    const { detail: locks = null, ...rest } = blockerJson(blocker);
    return { ...rest, locks };
  });
  if (step.data['reason'] !== 'named') return { kind: 'skipped', reason: 'locked', result: { blockers } };
  const who = locked.blockers.map(blockerWords).join('; ') || 'nobody any more';
  return {
    kind: 'failed',
    error: {
      code: 'lock_timeout',
      message: `no lock on ${step.key} within ${Math.round(locked.waitedMs / 100) / 10} s; in the way: ${who}`,
      detail: { blockers },
    },
  };
}

/** `VACUUM` and `ANALYZE` say "skipping" in a warning, in the language of the server, and end with success. */
export function warningsOf(notices: readonly Notice[]): string[] {
  return notices.filter(({ severity }) => severity === 'WARNING').map(({ message }) => message);
}

/** A worker is known by its lock and the view of its work, which every role may see; backend_type needs pg_read_all_stats. */
const workersSql = `
SELECT l.pid FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'relation' AND l.relation = $1::oid AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND l.pid <> pg_backend_pid()
  AND (a.backend_type = 'autovacuum worker'
    OR l.pid IN (SELECT pid FROM pg_stat_progress_vacuum UNION ALL SELECT pid FROM pg_stat_progress_analyze))`;

async function autovacuumIsAway<C>(run: StepRun<C>, tableOid: number, limitMs: number): Promise<boolean> {
  const started = performance.now();
  for (;;) {
    const workers = await run.observer.query(workersSql, [tableOid]);
    if (workers.length === 0) return true;
    if (performance.now() - started >= limitMs) return false;
    run.progress({ phase: 'waiting for autovacuum', percent: null, etaSeconds: null });
    await sleep(autovacuumPollMs, undefined, { signal: run.signal });
  }
}

/** Table locks that exclude these; every lock excludes ACCESS EXCLUSIVE. */
const excluding: Readonly<Record<Exclude<TableLock, 'ACCESS EXCLUSIVE'>, readonly string[]>> = {
  'SHARE UPDATE EXCLUSIVE': [
    'ShareUpdateExclusiveLock',
    'ShareLock',
    'ShareRowExclusiveLock',
    'ExclusiveLock',
    'AccessExclusiveLock',
  ],
  SHARE: [
    'RowExclusiveLock',
    'ShareUpdateExclusiveLock',
    'ShareRowExclusiveLock',
    'ExclusiveLock',
    'AccessExclusiveLock',
  ],
};

async function readInTheWay<C>(run: StepRun<C>, { tableOid, lock }: OnTable): Promise<readonly Blocker[]> {
  // Of the gate's operations `drop` is the one that waits for every lock on the table and for no snapshot.
  const holders = await readBlockers(run.observer, tableOid, 'drop', [run.session.identity.pid]);
  if (lock === 'ACCESS EXCLUSIVE') return holders;
  return holders.filter(({ detail }) =>
    detail.split(', ').some((mode) => excluding[lock].includes(mode.replace(' (queued)', ''))),
  );
}
