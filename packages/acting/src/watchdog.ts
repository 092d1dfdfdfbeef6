import { setTimeout as sleep } from 'node:timers/promises';
import type { JsonObject } from '@slacktide/domain';
import type { ActRun } from './act-run.ts';

const lookEveryMs = 500;

/** Somebody whose statement waits for a lock because of us. Fields the role may not see are null. */
export interface Waiter {
  readonly pid: number;
  readonly user: string | null;
  readonly applicationName: string | null;
  /** How long it has been waiting. */
  readonly waitedSeconds: number;
}

/** `waitstart` is null for the first moments of a wait. */
const waitersSql = `
SELECT l.pid, a.usename::text AS "user", a.application_name AS "applicationName",
  greatest(extract(epoch FROM clock_timestamp() - l.waitstart), 0)::float8 AS "waitedSeconds"
FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
WHERE NOT l.granted AND l.waitstart IS NOT NULL AND l.pid <> ALL ($2::int[]) AND $1::int = ANY (pg_blocking_pids(l.pid))
ORDER BY l.waitstart`;

/** Who waits for `pid`, for a lock it holds or asked for first; the longest wait first. */
export function readWaiters(
  reader: ActRun['observer'],
  pid: number,
  ignorePids: readonly number[] = [],
): Promise<Waiter[]> {
  return reader.query<Waiter>(waitersSql, [pid, ignorePids]);
}

/** A statement under watch. */
export interface Watch {
  /** Give it to the statement: aborted when we made others wait for too long. */
  readonly signal: AbortSignal;
  /** Ends the watch; tells who was made to wait for too long, nobody = empty. The observer is free once it settles. */
  stop(): Promise<readonly Waiter[]>;
}

/**
 * Watches over a statement about to be sent by `run.session`: when somebody has waited for it longer than `maxBlockingSeconds`, it is to give way.
 * Looks every half second; a look that fails is passed over.
 */
export function watchWaiters(run: Pick<ActRun, 'session' | 'observer'>, maxBlockingSeconds: number): Watch {
  const ended = new AbortController();
  const tooLong = new AbortController();
  let kept: readonly Waiter[] = [];
  const look = async (): Promise<void> => {
    while (!ended.signal.aborted && !tooLong.signal.aborted) {
      const waiters = await readWaiters(run.observer, run.session.identity.pid).catch(() => []);
      const late = waiters.filter(({ waitedSeconds }) => waitedSeconds > maxBlockingSeconds);
      if (late.length > 0 && !ended.signal.aborted) {
        kept = late;
        tooLong.abort();
      }
      await sleep(lookEveryMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  };
  const looking = look();
  return {
    signal: tooLong.signal,
    stop: async () => {
      ended.abort();
      await looking;
      return kept;
    },
  };
}

/** In the form of a result. */
export function waiterJson({ pid, user, applicationName, waitedSeconds }: Waiter): JsonObject {
  return { pid, user, application_name: applicationName, waited_seconds: Math.round(waitedSeconds * 10) / 10 };
}
