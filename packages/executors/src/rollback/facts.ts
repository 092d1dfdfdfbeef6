import { type Restorable, readRestorable } from '@slacktide/acting';
import type { FactsResult, LookContext, RollbackPoint, TargetReader } from '@slacktide/application/ports';
import type { RollbackConfig } from './schema.ts';
import { rollbackStatement } from './statement-kind.ts';

/** A rollback point, and what the catalogue has of what it is about. */
export interface PointFacts {
  readonly point: RollbackPoint;
  /** The indexes that its statements make or drop, by their quoted name; those that are not there are left out. */
  readonly present: ReadonlyMap<string, Restorable>;
}

export interface RollbackFacts {
  readonly points: readonly PointFacts[];
}

/** Reads the rollback points of the job from the ledger, the newest first, and what is there of each. */
export async function readRollbackFacts(
  reader: TargetReader,
  { job_id, points }: RollbackConfig,
  { memory }: LookContext,
): Promise<FactsResult<RollbackFacts>> {
  const all = await memory.rollbackPoints(job_id);
  const known = new Set(all.map(({ id }) => id));
  const problems = points.flatMap((id, position) =>
    known.has(id)
      ? []
      : [
          {
            pointer: `/points/${position}`,
            code: 'unknown_rollback_point',
            detail: `The job has no rollback point ${id}`,
          },
        ],
  );
  if (all.length === 0) {
    problems.push({
      pointer: '/job_id',
      code: 'nothing_to_take_back',
      detail: `No rollback point of job ${job_id} is known`,
    });
  }
  if (problems.length > 0) return { kind: 'refused', problems };
  const wanted = points.length === 0 ? all : all.filter(({ id }) => points.includes(id));
  return { kind: 'facts', facts: { points: await Array.fromAsync(wanted, (point) => readPoint(reader, point)) } };
}

async function readPoint(reader: TargetReader, point: RollbackPoint): Promise<PointFacts> {
  return { point, present: await readPresent(reader, point.statements) };
}

/** The indexes that these statements make or drop, as they are now. */
export async function readPresent(
  reader: TargetReader,
  statements: readonly string[],
): Promise<ReadonlyMap<string, Restorable>> {
  const present = new Map<string, Restorable>();
  for (const statement of statements) {
    const kind = rollbackStatement(statement);
    if (kind.kind === 'short' || kind.kind === 'other') continue;
    const found = await readRestorable(reader, kind.quoted);
    if (found !== undefined) present.set(kind.quoted, found);
  }
  return present;
}
