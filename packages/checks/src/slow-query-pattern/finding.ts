import type { FoundFinding, JsonObject, Severity } from '@slacktide/domain';
import { isUnusual, redactStatement } from '@slacktide/domain';
import type { Baseline, UsualBetweenLooks } from './baseline.ts';
import { meanMs, p95Ms, rowsPerCall } from './executions.ts';
import type { Counters, Statement } from './read.ts';
import type { SlowQueryPatternConfig } from './schema.ts';

/** Why a statement is worth a look. */
export type Reason = 'slow' | 'slow_at_times' | 'much_of_the_time' | 'slower_than_usual' | 'more_rows_than_usual';

/** What is known of one statement in the window, and lately. */
export interface Measured {
  readonly statement: Statement;
  readonly executions: Counters;
  /** Share of the time of all statements, from 0 to 1. */
  readonly timeShare: number;
  /** Since the latest look; undefined = not known. */
  readonly lately: Counters | undefined;
  readonly baseline: Baseline | undefined;
}

const longestQuery = 500;
/** Fewer executions make no distribution. */
const leastForDistribution = 20;
/** A statement that became slower by less than this is not worth a look, nor one that returns fewer rows. */
const leastRiseMs = 1;
const leastRows = 100;

export function reasonsOf(measured: Measured, config: SlowQueryPatternConfig): readonly Reason[] {
  const { executions, timeShare, lately, baseline } = measured;
  const reasons: Reason[] = [];
  if (executions.calls >= config.min_calls) {
    if (meanMs(executions) >= config.min_mean_ms) reasons.push('slow');
    else if (executions.calls >= leastForDistribution && p95Ms(executions) >= 10 * config.min_mean_ms) {
      reasons.push('slow_at_times');
    }
    if (timeShare >= config.min_time_share && executions.totalMs >= 1000 * config.min_total_seconds) {
      reasons.push('much_of_the_time');
    }
  }
  if (lately !== undefined && baseline !== undefined && lately.calls >= config.min_calls) {
    const rise = meanMs(lately) - baseline.meanMs.median;
    if (rise >= leastRiseMs && isUnusual(meanMs(lately), baseline.meanMs)) reasons.push('slower_than_usual');
    const rows = rowsPerCall(lately);
    if (rows >= leastRows && isUnusual(rows, baseline.rowsPerCall)) reasons.push('more_rows_than_usual');
  }
  return reasons;
}

export function toFinding(measured: Measured, reasons: readonly Reason[], since: string): FoundFinding {
  const { statement, executions, timeShare, lately, baseline } = measured;
  const { id, role } = statement;
  // pg_stat_statements leaves constants in a text it had to make up its mind about too late: what is quoted may be anybody's data.
  const query = statement.query === null ? null : redactStatement(statement.query, longestQuery);
  return {
    fingerprint: `statement:${id}`,
    severity: severityOf(reasons),
    object: { kind: 'statement', schema: null, name: id, table: null },
    summary: `A statement of ${role} ${describe(measured, reasons)}: ${shortened(query ?? 'its text was lost')}`,
    evidence: {
      reasons: [...reasons],
      query,
      role,
      query_id: statement.key.split('/')[1] ?? null,
      top_level: statement.topLevel,
      calls: executions.calls,
      mean_ms: rounded(meanMs(executions)),
      p95_ms: rounded(p95Ms(executions)),
      total_seconds: rounded(executions.totalMs / 1000),
      time_share: Math.round(1000 * timeShare) / 1000,
      rows_per_call: rounded(rowsPerCall(executions)),
      since,
      lately: lately === undefined ? null : latelyJson(lately),
      usual_mean_ms: usualJson(baseline?.meanMs),
      usual_rows_per_call: usualJson(baseline?.rowsPerCall),
      no_action_because: 'what would make it faster takes its plan',
    },
    action: null,
  };
}

function severityOf(reasons: readonly Reason[]): Severity {
  if (reasons.includes('slower_than_usual')) return 'warning';
  return reasons.includes('slow') && reasons.includes('much_of_the_time') ? 'warning' : 'info';
}

function describe({ executions, timeShare, lately, baseline }: Measured, reasons: readonly Reason[]): string {
  if (reasons.includes('slower_than_usual') && lately !== undefined && baseline !== undefined) {
    return `took ${rounded(meanMs(lately))} ms on average lately, ${rounded(baseline.meanMs.median)} ms before`;
  }
  if (reasons.includes('slow')) return `took ${rounded(meanMs(executions))} ms on average, ${executions.calls} times`;
  if (reasons.includes('much_of_the_time')) return `took ${Math.round(100 * timeShare)} % of the time`;
  if (reasons.includes('slow_at_times')) {
    return `took ${rounded(meanMs(executions))} ms on average, and up to ${rounded(p95Ms(executions))} ms`;
  }
  return `returned ${rounded(rowsPerCall(lately ?? executions))} rows lately, ${rounded(baseline?.rowsPerCall.median ?? 0)} before`;
}

function latelyJson(lately: Counters): JsonObject {
  return { calls: lately.calls, mean_ms: rounded(meanMs(lately)), rows_per_call: rounded(rowsPerCall(lately)) };
}

function usualJson(usual: UsualBetweenLooks | undefined): JsonObject | null {
  if (usual === undefined) return null;
  return { median: rounded(usual.median), deviation: rounded(usual.deviation), looks: usual.looks };
}

function shortened(query: string): string {
  const line = query.replaceAll(/\s+/g, ' ').trim();
  return line.length > 80 ? `${line.slice(0, 79)}…` : line;
}

/** Three digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
