/** What was counted of a statement, over whatever time. */
export interface StatementCounters {
  readonly calls: number;
  readonly totalMs: number;
  /** Sum of the squares of the times, in ms². */
  readonly squares: number;
}

/** Counters of a statement followed from look to look. */
export interface CounterTrack {
  /** As they stood at the last look; null = the server had no row of it. */
  readonly last: StatementCounters | null;
  /** What was counted since the track began. */
  readonly since: StatementCounters;
}

const none: StatementCounters = { calls: 0, totalMs: 0, squares: 0 };

/** A track that begins now. */
export function beginTrack(now: StatementCounters | null): CounterTrack {
  return { last: now, since: none };
}

/**
 * The track after another look. Counters that fell, or that are known to have begun anew (`beganAnew`: a reset, or an eviction that the server tells
 * of), were all counted since the look before: nothing of them is older. What was counted and lost between two looks is missing, nothing is counted
 * twice.
 */
export function followTrack(track: CounterTrack, now: StatementCounters | null, beganAnew: boolean): CounterTrack {
  if (now === null) return { last: null, since: track.since };
  const { last } = track;
  const isContinued = last !== null && !beganAnew && now.calls >= last.calls && now.totalMs >= last.totalMs;
  const counted = isContinued ? minus(now, last) : now;
  return { last: now, since: plus(track.since, counted) };
}

/** A statement before and after something was done that may have slowed it down. */
export interface ComparedStatement {
  readonly queryid: string;
  readonly before: StatementCounters;
  readonly since: StatementCounters;
}

export interface WatchLimits {
  /** Fewer executions, before or since, tell nothing. */
  readonly minCalls: number;
  /** How much longer the mean may get, besides what noise explains. */
  readonly maxSlowerPercent: number;
}

export interface StatementVerdict {
  readonly queryid: string;
  readonly verdict: 'worse' | 'fine' | 'unknown';
  readonly calls: number;
  readonly beforeMeanMs: number;
  readonly meanMs: number;
  /** Above it the mean is significantly worse. */
  readonly limitMs: number;
}

export interface WatchVerdict {
  /** `unknown` = no statement was executed often enough to tell. */
  readonly verdict: 'worse' | 'fine' | 'unknown';
  /** Some statement takes many times as long: no second look is needed. */
  readonly isDrastic: boolean;
  /** How much slower everything else became meanwhile; at least 1. */
  readonly loadFactor: number;
  readonly statements: readonly StatementVerdict[];
}

/** Standard errors of the difference of two means that noise is granted. One outlier among n executions moves the mean by one of them, sixteen by four. */
const grantedErrors = 4;
/** A difference nobody notices, whatever it is in percent. */
const unnoticedMs = 0.1;
/** Fewer other statements tell nothing of the load. */
const leastOthers = 3;
/** Times its limit. */
const drastic = 10;

/**
 * Whether statements got significantly worse:
 *
 *   expected = mean before · load factor
 *   limit    = expected + max(4 · √(variance before / calls before · load² + variance since / calls since), max_slower_percent of expected, 0.1 ms)
 *   worse    = at least min_calls before and since, and mean since > limit
 *
 * The variance since counts, so that a few outliers (a lock, a cold cache) raise their own limit. The load factor is the median of how much slower the
 * statements became that have nothing to do with it: when the whole server is slower, it is not for what was done.
 */
export function judgeWatch(
  watched: readonly ComparedStatement[],
  others: readonly ComparedStatement[],
  limits: WatchLimits,
): WatchVerdict {
  const loadFactor = loadFactorOf(others, limits);
  const statements = watched.map((statement) => judgeStatement(statement, loadFactor, limits));
  const verdicts = new Set(statements.map(({ verdict }) => verdict));
  return {
    verdict: verdicts.has('worse') ? 'worse' : verdicts.has('fine') ? 'fine' : 'unknown',
    isDrastic: statements.some(({ verdict, meanMs, limitMs }) => verdict === 'worse' && meanMs > drastic * limitMs),
    loadFactor,
    statements,
  };
}

function judgeStatement(
  { queryid, before, since }: ComparedStatement,
  loadFactor: number,
  { minCalls, maxSlowerPercent }: WatchLimits,
): StatementVerdict {
  const expectedMs = meanOf(before) * loadFactor;
  const noiseMs = grantedErrors * Math.sqrt(errorOf(before) * loadFactor ** 2 + errorOf(since));
  const limitMs = expectedMs + Math.max(noiseMs, (expectedMs * maxSlowerPercent) / 100, unnoticedMs);
  const isKnown = before.calls >= minCalls && since.calls >= minCalls;
  const meanMs = meanOf(since);
  const verdict = !isKnown ? 'unknown' : meanMs > limitMs ? 'worse' : 'fine';
  return { queryid, verdict, calls: since.calls, beforeMeanMs: meanOf(before), meanMs, limitMs };
}

function loadFactorOf(others: readonly ComparedStatement[], { minCalls }: WatchLimits): number {
  const ratios = others
    .filter(({ before, since }) => before.calls >= minCalls && since.calls >= minCalls && before.totalMs > 0)
    .map(({ before, since }) => meanOf(since) / meanOf(before))
    .toSorted((a, b) => a - b);
  if (ratios.length < leastOthers) return 1;
  const upper = ratios[Math.floor(ratios.length / 2)] ?? 1;
  const lower = ratios[Math.ceil(ratios.length / 2) - 1] ?? 1;
  return Math.max(1, (upper + lower) / 2);
}

/** Mean time of an execution; 0 when there was none. */
export function meanOf({ calls, totalMs }: StatementCounters): number {
  return calls === 0 ? 0 : totalMs / calls;
}

/** Standard deviation of the times, of the sample. */
export function deviationOf({ calls, totalMs, squares }: StatementCounters): number {
  if (calls < 2) return 0;
  return Math.sqrt(Math.max(0, squares - totalMs ** 2 / calls) / (calls - 1));
}

/** Variance of the mean. */
function errorOf(counters: StatementCounters): number {
  return counters.calls === 0 ? 0 : deviationOf(counters) ** 2 / counters.calls;
}

function plus(a: StatementCounters, b: StatementCounters): StatementCounters {
  return { calls: a.calls + b.calls, totalMs: a.totalMs + b.totalMs, squares: a.squares + b.squares };
}

/** What was counted between two looks at counters that did not begin anew in between. */
export function minus(later: StatementCounters, earlier: StatementCounters): StatementCounters {
  return {
    calls: later.calls - earlier.calls,
    totalMs: Math.max(0, later.totalMs - earlier.totalMs),
    // Rebuilt from mean and deviation, it may fall by a rounding.
    squares: Math.max(0, later.squares - earlier.squares),
  };
}
