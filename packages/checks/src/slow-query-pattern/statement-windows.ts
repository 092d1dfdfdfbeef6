import type { TargetMemory, TargetReader } from '@slacktide/application/ports';
import { type Baseline, learnBaselines } from './baseline.ts';
import { executionsBetween, meanMs, rowsPerCall } from './executions.ts';
import { type Look, presentLook, toLook } from './looks.ts';
import { readStatements } from './read.ts';
import { checkType } from './schema.ts';
import { nameStatements, type StatementIdentity } from './statement-identity.ts';

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
  /** By the identity that was asked for. */
  readonly id: string;
  readonly role: string;
  readonly topLevel: boolean;
  /** With placeholders in place of constants, mostly: not to be kept as it is. Null = lost. */
  readonly query: string | null;
  /** Of its texts, the latest first: by these it is known when its row is gone. */
  readonly textIds: readonly string[];
  readonly windows: readonly StatementWindow[];
  /** Undefined until it was seen often enough. */
  readonly usual: Baseline | undefined;
}

export type WatchedStatements =
  | { readonly kind: 'unusable'; readonly reason: string; readonly grant: string | null }
  | { readonly kind: 'watched'; readonly statements: readonly WatchedStatement[] };

const mostLooks = 200;

/**
 * The statements of this database, and what was executed of them between the looks of the last `hours` that `slow_query_pattern` kept, and now. What is known
 * by its identity goes on where its row is gone: evicted, reset, or of another major.
 */
export async function watchedStatements(
  { reader, memory, now }: { readonly reader: TargetReader; readonly memory: TargetMemory; readonly now: Date },
  hours: number,
  identity: StatementIdentity,
): Promise<WatchedStatements> {
  const facts = await readStatements(reader);
  if (facts.kind === 'unusable') return { kind: 'unusable', reason: facts.reason, grant: facts.grant };
  const config = checkType.config.parse({});
  const since = new Date(now.getTime() - config.baseline_hours * 3_600_000);
  const kept = (await memory.snapshots('slow_query_pattern', { since, limit: mostLooks })).map(toLook);
  const named = await nameStatements(facts.statements, identity);
  const [present, ...earlier] = [presentLook(facts), ...kept].map((look) => renamed(look, named.nameOf));
  if (present === undefined) throw new Error('expected the present look');
  const windows = windowsBetween([present, ...earlier], facts.nowMs - hours * 3_600_000);
  const usual = learnBaselines(earlier, config);
  return {
    kind: 'watched',
    statements: named.statements.flatMap((statement) => {
      const seen = windows.get(statement.id);
      return seen === undefined ? [] : [{ ...statement, windows: seen, usual: usual.get(statement.id) }];
    }),
  };
}

function renamed(look: Look, nameOf: (textId: string) => string): Look {
  return {
    ...look,
    statements: new Map([...look.statements].map(([key, row]) => [key, { ...row, id: nameOf(row.id) }])),
  };
}

/** `looks` newest first; by id. */
function windowsBetween(looks: readonly Look[], oldestMs: number): ReadonlyMap<string, readonly StatementWindow[]> {
  const windows = new Map<string, StatementWindow[]>();
  for (const [position, later] of looks.entries()) {
    const before = looks[position + 1];
    if (before === undefined || later.atMs <= oldestMs || !isComparable(before, later)) continue;
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
  return windows;
}

/** After a reset between the two, all that is counted came since. The counters of another server may have begun long before. */
function isComparable(before: Look, later: Look): boolean {
  if (before.resetMs === later.resetMs) return true;
  return later.resetMs !== null && later.resetMs >= before.atMs;
}
