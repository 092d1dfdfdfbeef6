import { readRestorable } from '@slacktide/acting';
import {
  type NewRollbackPoint,
  type PlannedStep,
  type StepRun,
  TargetError,
  type TargetReader,
} from '@slacktide/application/ports';
import type { Json } from '@slacktide/domain';
import { type StatementWork, workOf } from './work-of.ts';

type Settle = (state: 'armed' | 'void') => Promise<void>;

/** The rollback points of one step. */
export interface WaysBack {
  /** Before a statement is sent. Rejects when the right to act is gone. */
  prepare(statement: string): Promise<void>;
  /** After it: the catalogue says whether there is something to take back. */
  settle(statement: string, isDone: boolean): Promise<void>;
  /** When no more is sent. */
  close(): Promise<void>;
  /** What can be taken back, as far as it was done. */
  readonly objects: readonly string[];
}

/**
 * A point for each statement that has a way back, so that a step of many that fails amid them takes back what it did, and nothing else:
 *
 *   a dropped index   → made again with its comment, statistics targets and tablespace; of a partitioned one with all its parts
 *   a created index   → dropped; one that was attached since goes with the whole, so that its own point is void
 *   anything else     → what the check said, e.g. the former setting
 */
export function openWaysBack(step: PlannedStep, run: StepRun<unknown>): WaysBack {
  const open = new Map<string, Settle>();
  const armed = new Set<string>();
  const attached = step.statements.map(workOf).flatMap((work) => (work.kind === 'attach' ? [work.index] : []));
  const end = async (object: string, state: 'armed' | 'void'): Promise<void> => {
    const settle = open.get(object);
    open.delete(object);
    if (state === 'armed' && settle !== undefined) armed.add(object);
    await settle?.(state);
  };
  return {
    get objects() {
      return [...armed];
    },
    prepare: async (statement) => {
      const point = await pointOf(statement, step, run.observer);
      if (point !== undefined) open.set(point.object, await run.rollbackPoint(point));
    },
    settle: async (statement, isDone) => {
      const work = workOf(statement);
      const object = objectOf(work, step);
      if (work.kind === 'attach') return isDone ? await end(object, 'void') : undefined;
      if (!open.has(object)) return undefined;
      const hasActed = await actedOn(work, isDone, run.observer);
      // Not known: the point stays as it was prepared, and can be used.
      if (hasActed === undefined) open.delete(object);
      else if (!hasActed || !attached.includes(object)) await end(object, hasActed ? 'armed' : 'void');
    },
    close: async () => {
      for (const object of [...open.keys()]) await end(object, 'armed');
    },
  };
}

function objectOf(work: StatementWork, step: PlannedStep): string {
  if ('index' in work) return work.index;
  return 'table' in work ? work.table : step.key;
}

async function pointOf(
  statement: string,
  step: PlannedStep,
  reader: TargetReader,
): Promise<NewRollbackPoint | undefined> {
  const work = workOf(statement);
  const proposed = textsOf(step.data['rollback_sql']);
  if (work.kind === 'create') {
    // Whatever has the name already is not ours, and makes the statement fail.
    if ((await readRestorable(reader, work.index)) !== undefined) return undefined;
    const [what, how] = work.whole ? ['Partitioned index', ''] : ['Index', 'CONCURRENTLY '];
    return {
      object: work.index,
      summary: `${what} ${work.index} on ${work.table} is dropped`,
      statements: [`DROP INDEX ${how}IF EXISTS ${work.index}`],
    };
  }
  // Where the check brings nothing back, nothing is lost.
  if (proposed.length === 0 || (work.kind !== 'drop' && step.statements.length > 1)) return undefined;
  if (work.kind !== 'drop') {
    return { object: objectOf(work, step), summary: `Before: ${statement}`, statements: proposed };
  }
  const statements = await restoreStatements(work.index, proposed, reader);
  if (statements.length === 0) return undefined;
  return { object: work.index, summary: `Index ${work.index} as it was: ${statements[0] ?? ''}`, statements };
}

/** All that is said of the index and of those that go with it, as it is now: the check leaves targets of statistics out. */
async function restoreStatements(index: string, proposed: readonly string[], reader: TargetReader): Promise<string[]> {
  const made = proposed.map(workOf).flatMap((work) => (work.kind === 'create' ? [work.index] : []));
  const statements: string[] = [];
  const analyze = new Set<string>();
  for (const each of made.length === 0 ? [index] : made) {
    const restorable = await readRestorable(reader, each);
    statements.push(...(restorable?.statements ?? []));
    if (restorable !== undefined && restorable.analyze !== null) analyze.add(restorable.analyze);
  }
  return [...statements, ...analyze];
}

/** Undefined = the target cannot be asked. */
async function actedOn(work: StatementWork, isDone: boolean, reader: TargetReader): Promise<boolean | undefined> {
  if (work.kind !== 'create' && work.kind !== 'drop') return isDone;
  try {
    const isThere = (await readRestorable(reader, work.index)) !== undefined;
    return work.kind === 'create' ? isThere : !isThere;
  } catch (error) {
    if (error instanceof TargetError) return undefined;
    throw error;
  }
}

function textsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
