import { TargetError } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { ActRun } from './act-run.ts';
import { type ClearedAway, clearAway, type Rebuild, readLeftovers } from './clear-away.ts';
import type { ConcurrentProof } from './concurrent-remnant.ts';
import type { ConcurrentEnd, ConcurrentLimits } from './concurrent-work.ts';
import { type Waiter, waiterJson } from './watchdog.ts';

export interface FailedWork {
  readonly proof: ConcurrentProof;
  readonly limits: ConcurrentLimits;
  readonly gate: JsonObject;
  /** Whom we made wait for too long: for their sake the statement gave way. */
  readonly blocked: readonly Waiter[];
  /** Since the statement was sent. */
  readonly durationMs: number;
  /** Closes the record of what may be left. */
  readonly close: Awaited<ReturnType<ActRun['remnant']>>;
  readonly rebuild: Rebuild;
}

/**
 * After a failure or a cancel: clears away what our statement left on the table, then tells. A clean cancel is thrown on; with something left that could
 * not be cleared away, even cancelled work ends as failed, naming it. A drop that had passed the point of no return is finished, and done. A lost session
 * clears nothing (the right to act went with it) and says what to look for.
 */
export async function afterConcurrentFailure(error: unknown, run: ActRun, failed: FailedWork): Promise<ConcurrentEnd> {
  if (!(error instanceof TargetError)) throw error;
  if (error.code === 'session_lost') throw await lostAmidWork(error, run, failed.proof);
  const { durationMs, gate } = failed;
  const cleared = await clearAway(run, failed.proof, failed.limits, failed.rebuild);
  // What is left stays on record: the next task on the target sweeps it.
  if (cleared.left.length === 0) {
    const done = [...cleared.dropped, ...cleared.rebuilt];
    await failed.close(done.length === 0 ? 'absent' : 'swept', done.join(', ') || error.message);
    if (cleared.finishedDrop) return { kind: 'done', durationMs, gate };
  }
  const gaveWay = error.code === 'cancelled' && !run.signal.aborted && failed.blocked.length > 0;
  if (error.code === 'cancelled' && !gaveWay && cleared.left.length === 0) throw error;
  return { kind: 'failed', error: tell(error, failed, cleared, gaveWay) };
}

function tell(
  error: TargetError,
  { limits, gate, blocked }: FailedWork,
  { dropped, rebuilt, left }: ClearedAway,
  gaveWay: boolean,
): { code: string; message: string; detail: JsonObject } {
  const why = gaveWay
    ? `It gave way: others had to wait for it for more than ${limits.max_blocking_seconds} s.`
    : error.message;
  const rest =
    left.length === 0 ? '' : ` Left behind: ${left.map(({ index, reason }) => `${index} (${reason})`).join('; ')}`;
  const repaired =
    rebuilt.length === 0 ? '' : ` The failed drop had left the index unusable; it was rebuilt: ${rebuilt.join(', ')}`;
  return {
    code: gaveWay ? 'blocking_others' : error.code,
    message: `${why}${repaired}${rest}`,
    detail: {
      sql_state: error.sqlState,
      dropped: [...dropped],
      rebuilt: [...rebuilt],
      left: left.map(({ index, reason }) => ({ index, reason })),
      ...(gaveWay ? { waiting: blocked.map(waiterJson) } : {}),
      gate,
    },
  };
}

async function lostAmidWork(error: TargetError, run: ActRun, proof: ConcurrentProof): Promise<TargetError> {
  const leftovers = await readLeftovers(run, proof).catch(() => []);
  const guess = { create: proof.index, reindex: `${proof.index}_ccnew or _ccold`, drop: proof.index }[proof.operation];
  const names = leftovers.map(({ quoted }) => quoted).join(', ') || guess;
  const message = `${error.message}. It may have left an invalid index behind: ${names}`;
  return new TargetError('session_lost', message, { sqlState: error.sqlState, cause: error });
}
