import type { Look } from './looks.ts';
import type { Counters } from './read.ts';

/** What was counted of statements between two looks, by id; rows of the same statement are added up. */
interface Executions {
  readonly counted: ReadonlyMap<string, Counters>;
  /** Ids of which it is not known: the earlier look had not kept them. */
  readonly unknown: ReadonlySet<string>;
}

/**
 * A statement whose calls fell, or whose row began since (17), was evicted or reset: what it has now came since. Its row was gone for a
 * while, so this is the least that it was. `sinceOf` tells when a row began; null = not known.
 */
export function executionsBetween(
  earlier: Look,
  later: Look,
  sinceOf: (key: string) => number | null = () => null,
): Executions {
  const wasReset = earlier.resetMs !== later.resetMs;
  const counted = new Map<string, Counters>();
  const unknown = new Set<string>();
  for (const [key, { id, ...now }] of later.statements) {
    const then = earlier.statements.get(key);
    const beganSince = wasReset || (sinceOf(key) ?? 0) > earlier.atMs;
    const executions =
      beganSince || (then === undefined && earlier.isComplete) || (then !== undefined && then.calls > now.calls)
        ? now
        : then === undefined
          ? undefined
          : minus(now, then);
    if (executions === undefined) unknown.add(id);
    else if (executions.calls > 0 || !counted.has(id)) counted.set(id, plus(counted.get(id) ?? none, executions));
  }
  return { counted, unknown: new Set([...unknown].filter((id) => !counted.has(id))) };
}

const none: Counters = { calls: 0, totalMs: 0, squares: 0, rows: 0 };

function plus(a: Counters, b: Counters): Counters {
  return {
    calls: a.calls + b.calls,
    totalMs: a.totalMs + b.totalMs,
    squares: a.squares + b.squares,
    rows: a.rows + b.rows,
  };
}

function minus(a: Counters, b: Counters): Counters {
  return {
    calls: a.calls - b.calls,
    totalMs: Math.max(0, a.totalMs - b.totalMs),
    squares: Math.max(0, a.squares - b.squares),
    rows: Math.max(0, a.rows - b.rows),
  };
}

export function meanMs({ calls, totalMs }: Counters): number {
  return calls === 0 ? 0 : totalMs / calls;
}

/** Mean plus two standard deviations: about 95 of 100 executions take less. */
export function p95Ms(counters: Counters): number {
  if (counters.calls === 0) return 0;
  const mean = meanMs(counters);
  return mean + 2 * Math.sqrt(Math.max(0, counters.squares / counters.calls - mean ** 2));
}

export function rowsPerCall({ calls, rows }: Counters): number {
  return calls === 0 ? 0 : rows / calls;
}
