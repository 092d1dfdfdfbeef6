import { setTimeout as sleep } from 'node:timers/promises';
import { type StepRun, TargetError, type TargetSession } from '@slacktide/application/ports';
import { readBlockers } from '@slacktide/targets';
import { blockerJson } from '../blocker-words.ts';
import type { GuardedIndex } from './guarded-index.ts';
import { isWorsePlan } from './plan-shape.ts';
import {
  forgetPrepared,
  type Prepared,
  type PreparedStatement,
  planOf,
  prepareStatements,
} from './prepared-statements.ts';
import type { LeftOutStatement, Rehearsal, RehearsedStatement } from './rehearsal.ts';
import type { NamedStatement } from './statement-counters.ts';

/** Everybody queues behind our wait for ACCESS EXCLUSIVE: never longer than this, and with time to get through in between. */
const lockTimeoutMs = 200;
const attempts = 5;
const pauseMs = 1_000;
/** How long a plan may take under the lock, and after how long none is begun any more. */
const holdMs = 250;
/** A worker that stands still in the middle of it loses its session, and so the lock. */
const idleMs = 2_000;

type RehearsalRun = Pick<StepRun<unknown>, 'session' | 'observer' | 'signal' | 'progress'>;

/**
 * Drops the index in a transaction, has the statements planned without it, and takes everything back: ROLLBACK comes whatever happens, and if the session is
 * lost, by the server. Nobody is ended for it; others wait at most 200 ms while it waits for the lock, and half a second while it holds it.
 */
export async function rehearse(
  run: RehearsalRun,
  index: GuardedIndex,
  statements: readonly NamedStatement[],
  maxCostIncreasePercent: number,
): Promise<Rehearsal> {
  const { session } = run;
  run.progress({ phase: 'rehearsing the drop', percent: null, etaSeconds: null });
  try {
    const { prepared, leftOut } = await prepareStatements(session, statements, index);
    if (prepared.length === 0 && leftOut.length > 0) {
      return { kind: 'unproven', reason: 'no_statement_can_be_planned', grant: null, leftOut };
    }
    return await attemptsOf(run, index, { prepared, leftOut }, maxCostIncreasePercent);
  } finally {
    await forgetPrepared(session).catch(() => undefined);
  }
}

async function attemptsOf(
  run: RehearsalRun,
  index: GuardedIndex,
  { prepared, leftOut }: Prepared,
  maxCostIncreasePercent: number,
): Promise<Rehearsal> {
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    try {
      const { statements, late, heldMs } = await withoutIndex(run.session, index, prepared);
      const worse = statements.filter(({ before, after }) => isWorsePlan(before, after, maxCostIncreasePercent));
      return { kind: 'planned', statements, worse, leftOut: [...leftOut, ...late], heldMs };
    } catch (error) {
      if (!(error instanceof TargetError) || error.code !== 'lock_timeout') throw error;
      if (attempt < attempts) await sleep(pauseMs, undefined, { signal: run.signal });
    }
  }
  const blockers = await readBlockers(run.observer, index.tableOid, 'drop', [run.session.identity.pid]);
  return { kind: 'locked', blockers: blockers.map(blockerJson) };
}

interface Planned {
  readonly statements: readonly RehearsedStatement[];
  /** There was no time left for them. */
  readonly late: readonly LeftOutStatement[];
  readonly heldMs: number;
}

async function withoutIndex(
  session: TargetSession,
  { quoted }: GuardedIndex,
  prepared: readonly PreparedStatement[],
): Promise<Planned> {
  await session.execute('BEGIN');
  try {
    await session.execute(`SET LOCAL idle_in_transaction_session_timeout = '${idleMs}ms'`);
    await session.execute(`SET LOCAL lock_timeout = '${lockTimeoutMs}ms'`);
    await session.execute(`DROP INDEX ${quoted}`);
    const heldSinceMs = performance.now();
    const heldMs = (): number => Math.round(performance.now() - heldSinceMs);
    await session.execute(`SET LOCAL statement_timeout = '${holdMs}ms'`);
    const statements: RehearsedStatement[] = [];
    let failure = 'no_time_left';
    for (const { queryid, statement, explain, before } of prepared) {
      if (heldMs() > holdMs) break;
      const after = await planOf(session, explain).catch((error: unknown) => {
        if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
        // The transaction is over with it.
        failure = `not_plannable ${error.sqlState ?? error.code}`;
        return undefined;
      });
      if (after === undefined) break;
      statements.push({ queryid, statement, before, after });
    }
    await session.cleanUp('ROLLBACK');
    const late = prepared
      .slice(statements.length)
      .map(({ queryid, statement }) => ({ queryid, statement, reason: failure }));
    return { statements, late, heldMs: heldMs() };
  } catch (error) {
    await session.cleanUp('ROLLBACK').catch(() => undefined);
    throw error;
  }
}
