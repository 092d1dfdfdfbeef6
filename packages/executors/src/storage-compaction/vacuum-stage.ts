import { lockedOutcome, runOnTable, settle, warningsOf } from '@slacktide/acting';
import type { PlannedStep, StepRun } from '@slacktide/application/ports';
import type { StorageCompactionConfig } from './schema.ts';
import { ended, notVerified, type Stage, type StageResult, settleStage } from './stage.ts';
import { type CompactTable, readCompactTable } from './tables.ts';

/** VACUUM with truncation: it tries for its short ACCESS EXCLUSIVE without queueing, and gives it up as soon as somebody waits. */
export async function vacuumTail(
  step: PlannedStep,
  run: StepRun<StorageCompactionConfig>,
  before: Stage,
  statement: string,
): Promise<StageResult> {
  const { oid } = before.table;
  const ran = await runOnTable(run, {
    tableOid: oid,
    statement,
    lock: 'SHARE UPDATE EXCLUSIVE',
    attemptsMs: [run.config.lock_timeout_seconds * 1000],
    pauseMs: 0,
  });
  if (ran.kind === 'locked') return ended(lockedOutcome(step, ran));
  const after = await settle(
    () => readCompactTable(run.observer, oid),
    (table) => table === undefined || vacuumed(before.table, table),
    run.signal,
  );
  if (after !== undefined && !vacuumed(before.table, after)) {
    const said = warningsOf(ran.notices).join('; ') || 'nothing';
    return notVerified(step.key, 'VACUUM', `the catalogue shows no change; it said: ${said}`);
  }
  return await settleStage(run, before, { method: 'vacuum', durationMs: Math.round(ran.durationMs) });
}

/** Both, because the counters may be reset while we work: then the count falls, but only our VACUUM sets a new time. */
function vacuumed(before: CompactTable, after: CompactTable): boolean {
  return (
    after.lastVacuum !== null && (after.lastVacuum !== before.lastVacuum || after.vacuumCount > before.vacuumCount)
  );
}
