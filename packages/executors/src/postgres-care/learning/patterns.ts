import type { NewLearning, StepRun } from '@slacktide/application/ports';
import type { WatchedStatement } from '@slacktide/checks';
import { type JsonObject, redactStatement } from '@slacktide/domain';
import { learnPatterns, type Pattern, queryShape } from '@slacktide/learning';
import { summaryKey } from '../facts.ts';
import type { PostgresCareConfig } from '../schema.ts';
import { suggest } from './suggestions.ts';
import { identityJson, watchStatements } from './watch.ts';

const longestText = 500;

/** What was learned from the statements of the last day, and how the run's document counts it. */
export type LearnedPatterns =
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null }
  | { readonly kind: 'learned'; readonly document: JsonObject };

/** Learns which statements are slow and which are fast, and which indexes would serve the slow ones; keeps both. */
export async function learnFromStatements(
  run: Pick<StepRun<PostgresCareConfig>, 'observer' | 'memory' | 'learn'>,
  now: Date,
): Promise<LearnedPatterns> {
  const watched = await watchStatements(run, now);
  if (watched.kind === 'unusable') return watched;
  const byId = new Map(watched.statements.map((statement) => [statement.id, statement]));
  const patterns = await worthKeeping(
    learnPatterns(watched.statements.map(({ id, windows, usual }) => ({ id, windows, usualMs: usual?.meanMs }))),
    byId,
  );
  const slow = patterns.filter(({ kind }) => kind === 'slow');
  const suggestions = await suggest(
    run.observer,
    slow.flatMap((pattern) => {
      const query = byId.get(pattern.id)?.query;
      return query === undefined || query === null ? [] : [{ ...pattern, query }];
    }),
  );
  const document = {
    slow_patterns: slow.length,
    fast_patterns: patterns.length - slow.length,
    index_suggestions: suggestions.length,
    statements: watched.statements.length,
  };
  await run.learn('suggestion', suggestions);
  await run.learn('pattern', [
    { key: summaryKey, value: document },
    ...patterns.flatMap((pattern) => toLearning(pattern, byId.get(pattern.id))),
  ]);
  return { kind: 'learned', document };
}

/** That what touches no table is fast teaches nothing. */
async function worthKeeping(
  patterns: readonly Pattern[],
  byId: ReadonlyMap<string, WatchedStatement>,
): Promise<readonly Pattern[]> {
  const kept: Pattern[] = [];
  for (const pattern of patterns) {
    const query = byId.get(pattern.id)?.query;
    const shape = pattern.kind === 'fast' && typeof query === 'string' ? await queryShape(query) : undefined;
    if (pattern.kind === 'slow' || shape === undefined || shape.counts.relations > 0) kept.push(pattern);
  }
  return kept;
}

function toLearning(pattern: Pattern, statement: WatchedStatement | undefined): readonly NewLearning[] {
  if (statement === undefined) return [];
  const { usual } = statement;
  return [
    {
      key: pattern.id,
      value: {
        kind: pattern.kind,
        query: statement.query === null ? null : redactStatement(statement.query, longestText),
        role: statement.role,
        ...identityJson(statement),
        occurrences: pattern.occurrences,
        calls: pattern.calls,
        mean_ms: rounded(pattern.meanMs),
        total_seconds: rounded(pattern.totalMs / 1000),
        usual_mean_ms:
          usual === undefined
            ? null
            : {
                median: rounded(usual.meanMs.median),
                deviation: rounded(usual.meanMs.deviation),
                looks: usual.meanMs.looks,
              },
      },
    },
  ];
}

/** Three digits. */
function rounded(value: number): number {
  return Number(value.toPrecision(3));
}
