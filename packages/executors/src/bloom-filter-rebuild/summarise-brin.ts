import { lockedOutcome, runOnTable } from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { countUnsummarised, readPageinspect } from './brin-ranges.ts';
import { type LossyIndex, readLossyIndex } from './lossy-indexes.ts';
import type { BloomFilterRebuildConfig } from './schema.ts';

/**
 * The summaries of one BRIN index. A range whose summary was thrown away and not made anew, because we were cut short, is read by every scan until the next
 * run or VACUUM: answers stay right.
 */
export async function summariseBrin(
  step: PlannedStep,
  run: StepRun<BloomFilterRebuildConfig>,
  before: LossyIndex,
): Promise<StepOutcome> {
  let summarised = 0;
  let durationMs = 0;
  for (const [position, statement] of step.statements.entries()) {
    // A range that lost its summary gets it back before anything is waited for.
    if (position > 0 && position % 2 === 0 && (await run.breathe()) === 'overloaded') {
      return { kind: 'skipped', reason: 'load', result: { ranges_summarised: summarised } };
    }
    const ran = await runOnTable(run, {
      tableOid: before.tableOid,
      statement,
      lock: 'SHARE UPDATE EXCLUSIVE',
      attemptsMs: [run.config.lock_timeout_seconds * 1000],
      pauseMs: 0,
      send: async (text) => {
        const startedAtMs = performance.now();
        const [row] = await run.session.query<{ ranges?: number }>(text);
        summarised += Number(row?.ranges ?? 0);
        return { notices: [], durationMs: performance.now() - startedAtMs };
      },
    });
    if (ran.kind === 'locked') return lockedOutcome(step, ran);
    durationMs += ran.durationMs;
  }
  const after = await readLossyIndex(run.observer, before.schema, before.name);
  if (after === undefined || after.oid !== before.oid) return { kind: 'skipped', reason: 'index_gone' };
  const left = await countUnsummarised(run.observer, after, await readPageinspect(run.observer));
  const result = {
    ranges_summarised: summarised,
    unsummarised_before: step.data['unsummarised_ranges'] ?? null,
    // Rows that came meanwhile may have begun new ones.
    unsummarised_after: left,
    verified_by: left === null ? 'brin_summarize_new_values' : 'pageinspect',
    duration_ms: Math.round(durationMs),
  };
  if (summarised === 0 && left !== null && left > 0 && Number(result.unsummarised_before) >= left) {
    const message = `the summaries of ${step.key} ended with success, but ${left} ranges have none`;
    return { kind: 'failed', error: { code: 'not_verified', message } };
  }
  if (summarised > 0) {
    await run.effect({
      action: 'custom',
      object: step.key,
      objectKind: 'index',
      durationMs: Math.round(durationMs),
      sizeBeforeBytes: before.sizeBytes,
      sizeAfterBytes: after.sizeBytes,
      wasteBeforePercent: null,
      wasteAfterPercent: null,
      detail: { what: 'brin_summarize', ...result },
    });
  }
  return { kind: 'done', result };
}
