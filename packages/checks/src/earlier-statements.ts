import type { CheckMemory } from '@slacktide/application/ports';
import type { StatementCounters } from '@slacktide/domain';
import { toLook } from './slow-query-pattern/looks.ts';

/** What was counted of statements when we looked earlier. */
export interface EarlierStatements {
  /** When all of the server's counters began, by its own clock; null = not told. */
  readonly resetMs: number | null;
  /** By query id, whoever executed it; those that took most time. */
  readonly statements: ReadonlyMap<string, StatementCounters>;
}

const dayMs = 86_400_000;
/** One look an hour and some asked for; of more, the oldest are passed over. */
const mostLooks = 50;

/** The oldest look of the last day at a target's statements; undefined when there was none. */
export async function earlierStatements(
  memory: Pick<CheckMemory, 'snapshots' | 'now'>,
): Promise<EarlierStatements | undefined> {
  const since = new Date((await memory.now()).getTime() - dayMs);
  const oldest = (await memory.snapshots('slow_query_pattern', { since, limit: mostLooks })).at(-1);
  if (oldest === undefined) return undefined;
  const look = toLook(oldest);
  const statements = new Map<string, StatementCounters>();
  for (const [key, { calls, totalMs, squares }] of look.statements) {
    const [, queryid = ''] = key.split('/');
    const known = statements.get(queryid) ?? { calls: 0, totalMs: 0, squares: 0 };
    statements.set(queryid, {
      calls: known.calls + calls,
      totalMs: known.totalMs + totalMs,
      squares: known.squares + squares,
    });
  }
  return { resetMs: look.resetMs, statements };
}
