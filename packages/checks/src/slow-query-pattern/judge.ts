import type { CheckSnapshot } from '@slacktide/application/ports';
import type { CheckReport, UnknownObject } from '@slacktide/domain';
import { learnBaselines } from './baseline.ts';
import { executionsBetween, meanMs } from './executions.ts';
import { type Measured, type Reason, reasonsOf, toFinding } from './finding.ts';
import { emptyLook, type Look, presentLook, snapshotOf, toLook } from './looks.ts';
import type { Counters, Statement, StatementFacts } from './read.ts';
import type { SlowQueryPatternConfig } from './schema.ts';

type Facts = Extract<StatementFacts, { kind: 'statements' }>;

/** A statement that may be called for something that could be asked once: fast, and often. */
const fastMs = 1;
const fastCalls = 10;

/** `earlier` looks of the check, newest first. */
export function judgeStatements(
  facts: StatementFacts,
  earlier: readonly CheckSnapshot[],
  config: SlowQueryPatternConfig,
): CheckReport {
  const base = { check: 'slow_query_pattern' as const, checked: 0, skipped: [], findings: [], figures: {} };
  if (facts.kind === 'unusable') {
    const { reason, grant } = facts;
    return { ...base, unknown: [{ object: 'pg_stat_statements', reason, grant }], unjudged: 'all' };
  }
  const looks = earlier.map(toLook);
  const since = baseLook(facts, looks, config.window_hours);
  const snapshot = snapshotOf(facts);
  if (since === undefined) {
    const unknown = [{ object: 'pg_stat_statements', reason: 'no earlier look to compare with', grant: null }];
    return { ...base, unknown, unjudged: 'all', snapshot };
  }
  const { measured, unknown: uncounted } = measure(facts, looks, since, config);
  const reasons = new Map(measured.map((one) => [one, reasonsOf(one, config)] as const));
  const at = new Date(since.atMs).toISOString();
  return {
    ...base,
    checked: measured.length,
    unknown: whatIsUnknown(facts, since, uncounted.size),
    findings: [...reasons].flatMap(([one, found]) => (found.length > 0 ? [toFinding(one, found, at)] : [])),
    unjudged: [...uncounted, ...hiddenSince(facts, looks)],
    figures: {
      ...countPatterns(measured, [...reasons.values()]),
      since: at,
      tracks_planning: facts.source.tracksPlanning,
    },
    snapshot,
  };
}

/**
 * What to compare with: the moment when all counters began, if that is within the window; else the oldest look within it. Without one,
 * rows that began within the window are known from their beginning, which servers from 17 on tell.
 */
function baseLook(
  { nowMs, resetMs, statements }: Facts,
  looks: readonly Look[],
  windowHours: number,
): Look | undefined {
  const startMs = nowMs - windowHours * 3_600_000;
  if (resetMs !== null && resetMs >= startMs) return emptyLook(resetMs, resetMs, true);
  const oldest = looks.findLast((look) => look.resetMs === resetMs && look.atMs >= startMs);
  if (oldest !== undefined) return oldest;
  return statements.some(({ sinceMs }) => sinceMs !== null) ? emptyLook(startMs, resetMs, false) : undefined;
}

function measure(
  facts: Facts,
  looks: readonly Look[],
  since: Look,
  config: SlowQueryPatternConfig,
): { measured: readonly Measured[]; unknown: ReadonlySet<string> } {
  const present = presentLook(facts);
  const began = new Map(facts.statements.map(({ key, sinceMs }) => [key, sinceMs]));
  const sinceOf = (key: string): number | null => began.get(key) ?? null;
  const { counted, unknown } = executionsBetween(since, present, sinceOf);
  const [latest] = looks;
  const lately = latest === undefined ? undefined : executionsBetween(latest, present, sinceOf).counted;
  const baselines = learnBaselines(looks, config);
  const byId = new Map<string, Statement>();
  // The longest first: it stands for the others with the same text.
  for (const statement of facts.statements) if (!byId.has(statement.id)) byId.set(statement.id, statement);
  // What a function does inside is part of its caller's time.
  const totalMs = sum(
    [...counted].filter(([id]) => byId.get(id)?.topLevel),
    ([, { totalMs: ms }]) => ms,
  );
  const measured = [...counted].flatMap(([id, executions]): Measured[] => {
    const statement = byId.get(id);
    if (statement === undefined || executions.calls === 0) return [];
    const timeShare = totalMs === 0 ? 0 : Math.min(1, executions.totalMs / totalMs);
    return [{ statement, executions, timeShare, lately: lately?.get(id), baseline: baselines.get(id) }];
  });
  return { measured: measured.sort((a, b) => b.executions.totalMs - a.executions.totalMs), unknown };
}

function whatIsUnknown(facts: Facts, since: Look, uncounted: number): UnknownObject[] {
  const unknown: UnknownObject[] = [];
  if (facts.hidden > 0) {
    const reason = `${facts.hidden} statements of other roles are hidden from ours`;
    unknown.push({ object: 'statements of other roles', reason, grant: facts.source.seeAllGrant });
  }
  const evictions = facts.evictions - since.evictions;
  if (evictions > 0) {
    const reason = `statements were evicted ${evictions} times: more than pg_stat_statements.max (${facts.source.maxStatements}) were executed`;
    unknown.push({ object: 'evicted statements', reason, grant: null });
  }
  if (uncounted > 0) {
    const reason = `${uncounted} statements had no earlier look to compare with`;
    unknown.push({ object: 'statements counted since before the window', reason, grant: null });
  }
  return unknown;
}

/** Statements that the latest look had and that are hidden now, perhaps: our role lost the right to see them. */
function hiddenSince(facts: Facts, [latest]: readonly Look[]): readonly string[] {
  if (facts.hidden === 0 || latest === undefined) return [];
  const seen = new Set(facts.statements.map(({ id }) => id));
  return [...new Set([...latest.statements.values()].map(({ id }) => id))].filter((id) => !seen.has(id));
}

function countPatterns(measured: readonly Measured[], reasons: readonly (readonly Reason[])[]) {
  const calls = sum(measured, ({ executions }) => executions.calls);
  const mostCalled = Math.max(0, ...measured.map(({ executions }) => executions.calls));
  const isFast = ({ executions }: { executions: Counters }): boolean =>
    executions.calls >= fastCalls && meanMs(executions) <= fastMs;
  return {
    statements: measured.length,
    calls,
    total_seconds: Math.round(sum(measured, ({ executions }) => executions.totalMs)) / 1000,
    slow_patterns: reasons.filter((found) => found.includes('slow')).length,
    slower_patterns: reasons.filter((found) => found.includes('slower_than_usual')).length,
    fast_patterns: measured.filter(isFast).length,
    most_called_share: calls === 0 ? null : Math.round((1000 * mostCalled) / calls) / 1000,
  };
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}
