import { lockedOutcome, runOnTable, shortAttempts, warningsOf } from '@slacktide/acting';
import type { PlannedStep, StepRun } from '@slacktide/application/ports';
import type { StorageCompactionConfig } from './schema.ts';
import { ended, notVerified, type Stage, type StageResult, settleStage, wrongAfterRewrite } from './stage.ts';
import { readCompactTable } from './tables.ts';

/** VACUUM FULL: waits for ACCESS EXCLUSIVE in short goes, and ends nobody. It is transactional: cut short, nothing has happened. */
export async function rewriteByFull(
  step: PlannedStep,
  run: StepRun<StorageCompactionConfig>,
  before: Stage,
): Promise<StageResult> {
  const statement = step.statements.at(-1);
  if (statement === undefined) throw new Error(`expected a statement in ${step.key}`);
  // Consent is the configuration's, not the plan's.
  if (!run.config.allow_full) return ended({ kind: 'skipped', reason: 'vacuum_full_not_allowed' });
  const ran = await runOnTable(run, {
    tableOid: before.table.oid,
    statement,
    lock: 'ACCESS EXCLUSIVE',
    ...shortAttempts(run.config.lock_timeout_seconds * 1000),
  });
  if (ran.kind === 'locked') return ended(lockedOutcome(step, ran));
  const wrong = wrongAfterRewrite(before.table, await readCompactTable(run.observer, before.table.oid));
  if (wrong !== null) {
    const said = warningsOf(ran.notices).join('; ');
    return notVerified(step.key, 'VACUUM FULL', said === '' ? wrong : `${wrong}; it said: ${said}`);
  }
  return await settleStage(run, before, { method: 'vacuum_full', durationMs: Math.round(ran.durationMs) });
}
