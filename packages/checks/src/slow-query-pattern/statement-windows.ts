import type { TargetMemory, TargetReader } from '@slacktide/application/ports';
import { type Baseline, learnBaselines } from './baseline.ts';
import { executionsBetween, meanMs, rowsPerCall } from './executions.ts';
import { presentLook, toLook } from './looks.ts';
import { readStatements, type Statement } from './read.ts';
import { checkType } from './schema.ts';

/** What was executed of a statement between two looks. */
export interface StatementWindow {
  /** Its end, by the server's clock. */
  readonly at: Date;
  readonly calls: number;
  readonly meanMs: number;
  readonly rowsPerCall: number;
}

/** A statement as it was watched. */
export interface WatchedStatement {
  readonly id: string;
  readonly role: string;
  /** With placeholders in place of constants, mostly: not to be kept as it is. Null = lost. */
  readonly query: string | null;
  readonly windows: readonly StatementWindow[];
  /** Undefined until it was seen often enough. */
  readonly usual: Baseline | undefined;
}

export type WatchedStatements =
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null }
  | { readonly kind: 'watched'; readonly statements: readonly WatchedStatement[] };

const mostLooks = 200;

/** The statements of this database, and what was executed of them between the looks of the last `hours` that `slow_query_pattern` kept, and now. */
export async function watchedStatements(
  { reader, memory, now }: { readonly reader: TargetReader; readonly memory: TargetMemory; readonly now: Date },
  hours: number,
): Promise<WatchedStatements> {
  const facts = await readStatements(reader);
  if (facts.kind === 'unusable') return { kind: 'unusable', reason: facts.reason, grant: facts.grant };
  const config = checkType.config.parse({});
  const since = new Date(now.getTime() - config.baseline_hours * 3_600_000);
  const earlier = (await memory.snapshots('slow_query_pattern', { since, limit: mostLooks })).map(toLook);
  const looks = [presentLook(facts), ...earlier];
  const oldestMs = facts.nowMs - hours * 3_600_000;
  const windows = new Map<string, StatementWindow[]>();
  for (const [position, later] of looks.entries()) {
    const before = looks[position + 1];
    if (before === undefined || later.atMs <= oldestMs || before.resetMs !== later.resetMs) continue;
    for (const [id, counters] of executionsBetween(before, later).counted) {
      if (counters.calls === 0) continue;
      const window = {
        at: new Date(later.atMs),
        calls: counters.calls,
        meanMs: meanMs(counters),
        rowsPerCall: rowsPerCall(counters),
      };
      windows.set(id, [...(windows.get(id) ?? []), window]);
    }
  }
  const usual = learnBaselines(earlier, config);
  const byId = new Map<string, Statement>();
  for (const statement of facts.statements) if (!byId.has(statement.id)) byId.set(statement.id, statement);
  return {
    kind: 'watched',
    statements: [...byId.values()].flatMap(({ id, role, query }) => {
      const seen = windows.get(id);
      return seen === undefined ? [] : [{ id, role, query, windows: seen, usual: usual.get(id) }];
    }),
  };
}
