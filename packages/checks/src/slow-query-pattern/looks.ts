import type { CheckSnapshot } from '@slacktide/application/ports';
import type { Json, JsonObject } from '@slacktide/domain';
import type { Counters, Statement, StatementFacts } from './read.ts';

type Facts = Extract<StatementFacts, { kind: 'statements' }>;

/** Statements kept from one look to the next, those that took most time. A snapshot stays below 30 kB with them. */
const longestSnapshot = 300;

/** What was counted when we looked, as far as it was kept. */
export interface Look {
  /** By the server's clock. */
  readonly atMs: number;
  readonly resetMs: number | null;
  readonly evictions: number;
  /** No statement had to be left out. */
  readonly isComplete: boolean;
  /** By key. */
  readonly statements: ReadonlyMap<string, Counters & Pick<Statement, 'id'>>;
}

export function snapshotOf({ nowMs, resetMs, evictions, statements }: Facts): JsonObject {
  const kept = statements.slice(0, longestSnapshot);
  return {
    at_ms: Math.round(nowMs),
    reset_ms: resetMs,
    evictions,
    complete: kept.length === statements.length,
    statements: Object.fromEntries(kept.map((statement) => [statement.key, toRow(statement)])),
  };
}

export function toLook({ values }: CheckSnapshot): Look {
  return {
    atMs: Number(values['at_ms']),
    resetMs: values['reset_ms'] === null ? null : Number(values['reset_ms']),
    evictions: Number(values['evictions']),
    isComplete: values['complete'] === true,
    statements: new Map(
      Object.entries((values['statements'] ?? {}) as JsonObject).map(([key, row]) => [key, fromRow(row)]),
    ),
  };
}

/** Half a microsecond more or less is nothing. */
function toRow({ id, calls, totalMs, squares, rows }: Statement): readonly Json[] {
  return [id, calls, Math.round(totalMs * 1000) / 1000, Number(squares.toPrecision(12)), rows];
}

function fromRow(row: Json): Counters & Pick<Statement, 'id'> {
  const [id, ...counters] = row as readonly Json[];
  const [calls = 0, totalMs = 0, squares = 0, rows = 0] = counters.map(Number);
  return { id: String(id), calls, totalMs, squares, rows };
}

/** The look as of the moment when all counters began: nothing was counted yet. */
export function emptyLook(atMs: number, resetMs: number | null, isComplete: boolean): Look {
  return { atMs, resetMs, evictions: 0, isComplete, statements: new Map() };
}

/** The present, to be compared with like an earlier look. */
export function presentLook({ nowMs, resetMs, evictions, statements }: Facts): Look {
  return {
    atMs: nowMs,
    resetMs,
    evictions,
    isComplete: true,
    statements: new Map(statements.map((statement) => [statement.key, statement])),
  };
}
