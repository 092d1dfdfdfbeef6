import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';

/** A session that waits for a lock. */
export interface LockWait {
  readonly pid: number;
  readonly application: string;
  readonly mode: string;
  /** Null = it is no lock on a table or an index. */
  readonly relation: string | null;
  /** By the clock of the server; 0 in the first moments. */
  readonly waitedMs: number;
  /** Who holds what it wants, or asked for it first. */
  readonly blockedBy: readonly number[];
}

/** Who is held up by us at one moment. */
export interface QueueLook {
  /** Because a session of ours asks for a lock, and they come after it. */
  readonly asking: readonly LockWait[];
  /** Because a session of ours has one. */
  readonly holding: readonly LockWait[];
}

/** The worst that was seen of a kind of queue. */
export interface WorstQueue {
  readonly longestMs: number;
  readonly sessions: number;
  /** Whose wait was the longest; null = nobody waited. */
  readonly wait: LockWait | null;
}

export interface QueuesSeen {
  readonly looks: number;
  readonly asking: WorstQueue;
  readonly holding: WorstQueue;
}

/** Sorts those who wait for one of `ours`, also by way of others: one that is waiting itself only asks. */
export function queueBehind(waits: readonly LockWait[], ours: ReadonlySet<number>): QueueLook {
  const byPid = new Map(waits.map((wait) => [wait.pid, wait]));
  const causesOf = ({ blockedBy }: LockWait, seen: Set<number>): number[] =>
    blockedBy.flatMap((pid) => {
      if (seen.has(pid)) return [];
      seen.add(pid);
      if (ours.has(pid)) return [pid];
      const next = byPid.get(pid);
      return next === undefined ? [] : causesOf(next, seen);
    });
  const look = { asking: [] as LockWait[], holding: [] as LockWait[] };
  for (const wait of waits) {
    if (ours.has(wait.pid)) continue;
    const causes = causesOf(wait, new Set());
    if (causes.length === 0) continue;
    const isHeld = causes.some((pid) => !byPid.has(pid));
    look[isHeld ? 'holding' : 'asking'].push(wait);
  }
  return look;
}

const waitsSql = `
SELECT l.pid, a.application_name AS application, l.mode, l.relation::regclass::text AS relation,
  greatest(coalesce(extract(epoch FROM clock_timestamp() - l.waitstart), 0), 0)::float8 * 1000 AS "waitedMs", pg_blocking_pids(l.pid) AS "blockedBy",
  ARRAY(SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'slacktide/%') AS ours
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE NOT l.granted AND a.datname = current_database()`;

const nobody: WorstQueue = { longestMs: 0, sessions: 0, wait: null };

/**
 * Looks every `everyMs` (default 20) who waits for sessions of ours in the database of `client`, a superuser's that nobody else uses meanwhile. What begins
 * and ends between two looks is not seen.
 */
export function watchQueues(client: pg.Client, { everyMs = 20 } = {}): { stop(): Promise<QueuesSeen> } {
  const stopping = new AbortController();
  let looks = 0;
  let asking = nobody;
  let holding = nobody;
  const looking = (async () => {
    while (!stopping.signal.aborted) {
      const { rows } = await client.query<LockWait & { ours: number[] }>(waitsSql);
      looks += 1;
      const waits = rows.map(({ ours: _, ...wait }) => wait);
      const look = queueBehind(waits, new Set(rows[0]?.ours));
      asking = worse(asking, look.asking);
      holding = worse(holding, look.holding);
      await sleep(everyMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  looking.catch(() => undefined); // told by `stop`
  return {
    stop: async () => {
      stopping.abort();
      await looking;
      return { looks, asking, holding };
    },
  };
}

function worse(before: WorstQueue, waits: readonly LockWait[]): WorstQueue {
  const longest = waits.toSorted((a, b) => b.waitedMs - a.waitedMs)[0];
  const sessions = Math.max(before.sessions, waits.length);
  if (longest === undefined || longest.waitedMs < before.longestMs) return { ...before, sessions };
  return { longestMs: longest.waitedMs, sessions, wait: longest };
}
