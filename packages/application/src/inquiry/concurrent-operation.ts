import type { EffectAction, PlannedStep } from '../ports/index.ts';

/** `… INDEX CONCURRENTLY`: it waits for others within the statement, and others hardly for it. */
export type ConcurrentOperation = 'create' | 'reindex' | 'drop';

const concurrently: readonly [RegExp, ConcurrentOperation][] = [
  [/^CREATE (?:UNIQUE )?INDEX CONCURRENTLY\b/i, 'create'],
  [/^REINDEX (?:\([^)]*\) )?(?:INDEX|TABLE|SCHEMA|DATABASE) CONCURRENTLY\b/i, 'reindex'],
  [/^DROP INDEX CONCURRENTLY\b/i, 'drop'],
];

const actions: readonly [RegExp, EffectAction][] = [
  [/^CREATE (?:UNIQUE )?INDEX\b/i, 'create_index'],
  [/^REINDEX\b/i, 'reindex'],
  [/^DROP INDEX\b/i, 'drop_index'],
  [/^VACUUM (?:FULL\b|\([^)]*\bFULL\b(?! (?:off|false|0)\b)[^)]*\))/i, 'vacuum_full'],
  [/^VACUUM\b/i, 'vacuum'],
  [/^ANALYZE\b/i, 'analyze'],
];

/** The strongest of what the step's statements do to an index while others work on. */
export function concurrentOperationOf({
  statements,
}: Pick<PlannedStep, 'statements'>): ConcurrentOperation | undefined {
  const found = statements.flatMap((statement) => match(concurrently, statement) ?? []);
  return found.find((operation) => operation === 'reindex') ?? found[0];
}

/** How the history of effects calls what the step does: by its own word, else by its one statement. */
export function actionOf({ cost, statements }: Pick<PlannedStep, 'cost' | 'statements'>): EffectAction | undefined {
  if (cost !== undefined) return cost.action;
  const [only, ...others] = statements;
  return only === undefined || others.length > 0 ? undefined : match(actions, only);
}

function match<T>(rules: readonly (readonly [RegExp, T])[], statement: string): T | undefined {
  return rules.find(([pattern]) => pattern.test(statement.trimStart()))?.[1];
}
