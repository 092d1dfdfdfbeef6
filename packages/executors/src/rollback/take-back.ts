import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { Json, JsonObject } from '@slacktide/domain';
import { readPresent } from './facts.ts';
import { outstandingOf } from './outstanding.ts';
import type { RollbackConfig } from './schema.ts';
import { sendRollback } from './send.ts';
import { type IndexWork, lookBefore, tellEffects } from './tell-effects.ts';

/** Looks again what is left to do of a rollback point, does it, verifies by the catalogue, and marks the point. */
export async function takeBack(step: PlannedStep, run: StepRun<RollbackConfig>): Promise<StepOutcome> {
  const pointId = String(step.data['point_id']);
  const all = textsOf(step.data['statements']);
  const before = outstandingOf(all, await readPresent(run.observer, all));
  if (before.kind !== 'some') return { kind: 'skipped', reason: before.kind };
  const done: JsonObject[] = [];
  const works: IndexWork[] = [];
  for (const statement of before.statements) {
    const work = await lookBefore(statement, run.observer);
    const beganAtMs = performance.now();
    const failure = await sendRollback(statement, step, run);
    if (failure !== null) {
      const { code, message, detail } = failure.error;
      return { kind: 'failed', error: { code, message, detail: { done, statement, cause: detail ?? null } } };
    }
    const durationMs = Math.round(performance.now() - beganAtMs);
    done.push({ statement, duration_ms: durationMs });
    if (work !== undefined) works.push({ ...work, durationMs });
  }
  const present = await readPresent(run.observer, all);
  const after = outstandingOf(all, present);
  if (after.kind === 'name_taken' || (after.kind === 'some' && hasIndexWork(after.statements))) {
    const detail = { done, outstanding: after.kind === 'some' ? after.statements : [] };
    const message = `everything was sent with success, but the catalogue does not show ${step.key} as it was`;
    return { kind: 'failed', error: { code: 'not_verified', message, detail } };
  }
  await run.usedRollback(pointId);
  await tellEffects(works, pointId, run);
  return { kind: 'done', result: { rollback_point_id: pointId, statements: done } };
}

function textsOf(value: Json | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Of other statements the catalogue does not tell here whether they were done. */
function hasIndexWork(statements: readonly string[]): boolean {
  return statements.some((statement) => /^(CREATE|DROP|COMMENT ON|ALTER) (UNIQUE )?INDEX /.test(statement));
}
