import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { readPrepared } from './prepared.ts';
import type { SessionCleanupConfig } from './schema.ts';

/** Rolls back a prepared transaction that the configuration names, if it is still the one of the plan. */
export async function rollBackPrepared(step: PlannedStep, run: StepRun<SessionCleanupConfig>): Promise<StepOutcome> {
  const { gid, prepared_at: preparedAt } = step.data;
  const [statement] = step.statements;
  if (typeof gid !== 'string' || statement === undefined) throw new Error(`expected a gid in ${step.key}`);
  const [before] = await readPrepared(run.observer, [gid]);
  if (before === undefined || !before.isHere) return { kind: 'skipped', reason: 'gone' };
  if (before.preparedAt !== preparedAt) return { kind: 'skipped', reason: 'moved_on' };
  if (!before.permitted) {
    return {
      kind: 'failed',
      error: {
        code: 'insufficient_privilege',
        message: `only ${before.owner}, who prepared it, or a superuser may roll back ${step.key}`,
        detail: { owner: before.owner, grant: before.grant },
      },
    };
  }
  const { durationMs } = await run.session.execute(statement);
  const [after] = await readPrepared(run.observer, [gid]);
  if (after?.preparedAt === before.preparedAt) {
    return {
      kind: 'failed',
      error: { code: 'not_verified', message: `${step.key} is still there after its rollback` },
    };
  }
  const told = {
    gid,
    owner: before.owner,
    prepared_at: before.preparedAt,
    prepared_seconds: Math.floor(before.seconds),
  };
  return {
    kind: 'done',
    result: { ...told, duration_ms: durationMs },
    audit: [{ action: 'transaction.rollback_prepared', after: told }],
  };
}
