import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { Json, JsonObject } from '@slacktide/domain';
import { readPresent } from './facts.ts';
import { outstandingOf } from './outstanding.ts';
import type { RollbackConfig } from './schema.ts';
import { sendRollback } from './send.ts';

/** Looks again what is left to do of a rollback point, does it, verifies by the catalogue, and marks the point. */
export async function takeBack(step: PlannedStep, run: StepRun<RollbackConfig>): Promise<StepOutcome> {
  const pointId = String(step.data['point_id']);
  const all = textsOf(step.data['statements']);
  const before = outstandingOf(all, await readPresent(run.observer, all));
  if (before.kind !== 'some') return { kind: 'skipped', reason: before.kind };
  const startedAtMs = performance.now();
  const done: JsonObject[] = [];
  for (const statement of before.statements) {
    const beganAtMs = performance.now();
    const failure = await sendRollback(statement, step, run);
    if (failure !== null) {
      const { code, message, detail } = failure.error;
      return { kind: 'failed', error: { code, message, detail: { done, statement, cause: detail ?? null } } };
    }
    done.push({ statement, duration_ms: Math.round(performance.now() - beganAtMs) });
  }
  const present = await readPresent(run.observer, all);
  const after = outstandingOf(all, present);
  if (after.kind === 'name_taken' || (after.kind === 'some' && hasIndexWork(after.statements))) {
    const detail = { done, outstanding: after.kind === 'some' ? after.statements : [] };
    const message = `everything was sent with success, but the catalogue does not show ${step.key} as it was`;
    return { kind: 'failed', error: { code: 'not_verified', message, detail } };
  }
  await run.usedRollback(pointId);
  await tellEffect(step, run, [...present.keys()], Math.round(performance.now() - startedAtMs));
  return { kind: 'done', result: { rollback_point_id: pointId, statements: done } };
}

function textsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Of other statements the catalogue does not tell here whether they were done. */
function hasIndexWork(statements: readonly string[]): boolean {
  return statements.some((statement) => /^(CREATE|DROP|COMMENT ON|ALTER) (UNIQUE )?INDEX /.test(statement));
}

async function tellEffect(
  step: PlannedStep,
  run: StepRun<RollbackConfig>,
  indexes: readonly string[],
  durationMs: number,
): Promise<void> {
  const [index] = indexes;
  if (index === undefined || !step.statements.some((statement) => /^CREATE (UNIQUE )?INDEX /.test(statement))) return;
  const [row] = await run.observer.query<{ sizeBytes: number }>(
    `SELECT pg_relation_size(c.oid)::float8 AS "sizeBytes" FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE format('%I.%I', n.nspname, c.relname) = $1`,
    [index],
  );
  await run.effect({
    action: 'create_index',
    object: index,
    objectKind: 'index',
    durationMs,
    sizeBeforeBytes: null,
    sizeAfterBytes: row?.sizeBytes ?? null,
    wasteBeforePercent: null,
    wasteAfterPercent: null,
    detail: { rollback_point_id: step.data['point_id'] ?? null },
  });
}
