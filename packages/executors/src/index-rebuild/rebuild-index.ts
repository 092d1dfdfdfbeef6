import { readStatementsBefore, runConcurrently } from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { earlierStatements } from '@slacktide/checks';
import { type IndexState, readIndexState } from './index-state.ts';
import { measureRebuilt } from './measure-waste.ts';
import type { IndexRebuildConfig } from './schema.ts';
import { verifyRebuild } from './verify-rebuild.ts';
import type { Waste } from './waste.ts';

/** One index: look again, rebuild, verify by the catalogue. */
export async function rebuildIndex(step: PlannedStep, run: StepRun<IndexRebuildConfig>): Promise<StepOutcome> {
  const { schema, name } = step.object;
  const [statement] = step.statements;
  if (schema === null || statement === undefined) throw new Error(`expected an index and a statement in ${step.key}`);
  const before = await readIndexState(run.observer, schema, name);
  if (before === undefined) return { kind: 'skipped', reason: 'index_gone' };
  const refusal = refusalOf(before, step);
  if (refusal !== null) return refusal;

  const { tableOid } = before;
  const statements = await readStatementsBefore(run.observer, tableOid, () => earlierStatements(run.memory));
  const work = { operation: 'reindex', statement, tableOid, schema, index: name, step: step.key } as const;
  const end = await runConcurrently(run, work, run.config);
  if (end.kind !== 'done') return end;
  const { durationMs, gate } = end;
  const after = await readIndexState(run.observer, schema, name);
  const wasteAfter = after === undefined ? null : await measureAfter(run, after);
  const outcome = verifyRebuild({ step, before, after, wasteAfter, durationMs, gate, sample: run.sample });
  if (outcome.kind === 'done' && after !== undefined) {
    const wasteBefore = step.data['waste_percent'];
    await run.effect({
      action: 'reindex',
      object: step.key,
      objectKind: 'index',
      durationMs,
      sizeBeforeBytes: before.sizeBytes,
      sizeAfterBytes: after.sizeBytes,
      wasteBeforePercent: typeof wasteBefore === 'number' ? wasteBefore : null,
      wasteAfterPercent: wasteAfter?.percent ?? null,
      detail: {
        table: step.data['table'] ?? null,
        rows: after.rows,
        fillfactor: after.fillfactor,
        // Without a threshold it is worked on for the waste that it had.
        ...(run.config.bloat_threshold === 0 ? {} : { threshold_percent: run.config.bloat_threshold }),
        ...statements,
      },
    });
  }
  return outcome;
}

/** Reads the whole new index, and so no more than one run may read to measure. */
async function measureAfter(
  { observer, config }: StepRun<IndexRebuildConfig>,
  { oid, method, fillfactor, sizeBytes }: IndexState,
): Promise<Waste | null> {
  if (method !== 'btree' || sizeBytes > config.max_measured_mb * 1024 * 1024) return null;
  // Told to stop meanwhile: the rebuild is done all the same.
  return await measureRebuilt(observer, { oid, fillfactor }).catch(() => null);
}

/** What changed since the plan was made, or was never allowed. */
function refusalOf(now: IndexState, step: PlannedStep): StepOutcome | null {
  if (now.oid !== step.object.oid || now.quoted !== step.key)
    return { kind: 'skipped', reason: 'replaced_since_planned' };
  if (!now.valid) return { kind: 'skipped', reason: 'invalid' };
  if (now.exclusionConstraint) return { kind: 'skipped', reason: 'exclusion_constraint' };
  if (now.permitted) return null;
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not rebuild ${step.key}; cure: ${now.grant ?? 'only a superuser may'}`,
      detail: { grant: now.grant },
    },
  };
}
