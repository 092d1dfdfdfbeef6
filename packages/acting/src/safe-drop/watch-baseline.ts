import {
  beginTrack,
  type CounterTrack,
  deviationOf,
  type JsonObject,
  meanOf,
  minus,
  redactStatement,
  type StatementCounters,
} from '@slacktide/domain';
import { z } from 'zod';
import type { GuardedIndex } from './guarded-index.ts';
import type { NamedStatement } from './statement-counters.ts';

/** Calls, total time in ms, sum of squares in ms². */
const counters = z.tuple([z.number(), z.number(), z.number()]);
const statement = z.object({
  queryid: z.string(),
  /** Without literals. */
  statement: z.string(),
  /** Of the time that is compared with. */
  calls: z.number(),
  mean_ms: z.number(),
  stddev_ms: z.number(),
  rows: z.number(),
  /** `recent` = since an earlier look of ours; `lifetime` = since the server began to count. */
  window: z.enum(['recent', 'lifetime']),
  before: counters,
  /** As they stood when the watch was written. */
  standing: counters,
  /** Since when the server's row counts, where it tells. */
  since_ms: z.number().nullable(),
});
const baseline = z.object({
  index_oid: z.number(),
  /** When all of the server's counters began; null = not told. */
  reset_ms: z.number().nullable(),
  statements: z.array(statement),
  /** Statements that have nothing to do with the table: they tell how busy the server is. */
  others: z.array(statement),
});
export type WatchBaseline = z.infer<typeof baseline>;
export type BaselineStatement = WatchBaseline['statements'][number];

/** Undefined for one that was not written here. */
export function readWatchBaseline(json: JsonObject): WatchBaseline | undefined {
  return baseline.safeParse(json).data;
}

/** Counters of statements, by query id, at an earlier look. */
export interface EarlierCounters {
  /** When all of the server's counters began; null = not told. */
  readonly resetMs: number | null;
  readonly statements: ReadonlyMap<string, StatementCounters>;
}

/** Fewer recent executions tell less than all there ever were. */
const leastRecentCalls = 20;

/**
 * How the statements stand before the index is dropped. What came since `earlier` is compared with rather than all that was ever counted, for tables grow.
 */
export function toWatchBaseline(
  index: GuardedIndex,
  statements: readonly NamedStatement[],
  earlier: EarlierCounters | undefined,
  resetMs: number | null,
): WatchBaseline {
  const toStatement = (now: NamedStatement) => toBaselineStatement(now, earlier, resetMs);
  return {
    index_oid: index.oid,
    reset_ms: resetMs,
    statements: statements.filter(({ namesTable }) => namesTable).map(toStatement),
    others: statements.filter(({ namesTable }) => !namesTable).map(toStatement),
  };
}

/** How one statement stands, by what came since `earlier` where that tells enough. */
export function toBaselineStatement(
  now: NamedStatement,
  earlier: EarlierCounters | undefined,
  resetMs: number | null,
): BaselineStatement {
  const then = earlier?.resetMs === resetMs ? earlier.statements.get(now.queryid) : undefined;
  const isContinued = then !== undefined && now.calls >= then.calls + leastRecentCalls && now.totalMs >= then.totalMs;
  const before = isContinued ? minus(now, then) : now;
  return {
    queryid: now.queryid,
    statement: redactStatement(now.text),
    calls: before.calls,
    mean_ms: rounded(meanOf(before)),
    stddev_ms: rounded(deviationOf(before)),
    rows: now.rows,
    window: isContinued ? 'recent' : 'lifetime',
    before: toTuple(before),
    standing: toTuple(now),
    since_ms: now.sinceMs,
  };
}

/** Counters of a baseline's tuple. */
export function fromTuple([calls, totalMs, squares]: BaselineStatement['before']): StatementCounters {
  return { calls, totalMs, squares };
}

export function toTuple({ calls, totalMs, squares }: StatementCounters): [number, number, number] {
  return [calls, totalMs, squares];
}

/** The track of a statement that nobody has looked at yet. */
export function trackOf({ standing }: BaselineStatement): CounterTrack {
  return beginTrack(fromTuple(standing));
}

/** Half a microsecond more or less is nothing. */
function rounded(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
