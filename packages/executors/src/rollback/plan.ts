import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { PointFacts, RollbackFacts } from './facts.ts';
import { outstandingOf } from './outstanding.ts';
import { rollbackStatement } from './statement-kind.ts';

/** One step for each rollback point of which something is left to do. */
export function planRollback({ points }: RollbackFacts): Plan {
  const skipped: { object: string; reason: string }[] = [];
  const steps: PlannedStep[] = [];
  const keys = new Set<string>();
  for (const facts of points) {
    const { point } = facts;
    const outstanding = outstandingOf(point.statements, facts.present);
    const reason = point.state === 'used' ? 'taken_back_before' : point.state === 'void' ? 'nothing_was_done' : null;
    if (reason !== null) skipped.push({ object: point.object, reason });
    else if (outstanding.kind !== 'some') skipped.push({ object: point.object, reason: outstanding.kind });
    else {
      steps.push(toStep(facts, outstanding.statements, keys.has(point.object)));
      keys.add(point.object);
    }
  }
  return { steps, checked: points.length, skipped, unknown: [] };
}

function toStep({ point }: PointFacts, statements: readonly string[], isTaken: boolean): PlannedStep {
  const kinds = statements.map((statement) => rollbackStatement(statement).kind);
  const creates = kinds.includes('create');
  return {
    // A job may have worked on an object more than once.
    key: isTaken ? `${point.object} ${point.id}` : point.object,
    object: {
      kind: kinds.some((kind) => kind !== 'short' && kind !== 'other') ? 'index' : 'table',
      oid: null,
      schema: null,
      name: point.object,
    },
    statements,
    lockMode: lockOf(statements),
    sizeBytes: null,
    expectedSeconds: null,
    reversible: false,
    ...(creates ? { cost: { action: 'create_index', tempDiskBytes: null, walBytes: null } as const } : {}),
    // All of the point, by which the catalogue tells what is done.
    data: { statements: [...point.statements], point_id: point.id, object: point.object, summary: point.summary },
  };
}

function lockOf(statements: readonly string[]): string {
  return statements.every(isOnline) ? 'SHARE UPDATE EXCLUSIVE' : 'ACCESS EXCLUSIVE';
}

/** Of the short ones, those that change what is said of an index, and no table. ATTACH PARTITION locks the part with ACCESS EXCLUSIVE. */
function isOnline(statement: string): boolean {
  const { kind } = rollbackStatement(statement);
  if (kind === 'create' || kind === 'drop') return true;
  if (kind !== 'short') return false;
  if (/^(?:ALTER TABLE|REFRESH) /.test(statement)) return / CLUSTER ON /.test(statement);
  return !/^ALTER INDEX .* ATTACH PARTITION /s.test(statement);
}
