import { runConcurrently } from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { bloomWaste } from './bloom-waste.ts';
import { type LossyIndex, readLossyIndex } from './lossy-indexes.ts';
import type { BloomFilterRebuildConfig } from './schema.ts';

/** REINDEX CONCURRENTLY of one bloom index, verified: valid, the same definition, another file. */
export async function rebuildBloom(
  step: PlannedStep,
  run: StepRun<BloomFilterRebuildConfig>,
  before: LossyIndex,
): Promise<StepOutcome> {
  const [statement] = step.statements;
  const { schema, name, tableOid } = before;
  if (statement === undefined) throw new Error(`expected a statement in ${step.key}`);
  const work = { operation: 'reindex', statement, tableOid, schema, index: name, step: step.key } as const;
  const end = await runConcurrently(run, work, run.config);
  if (end.kind !== 'done') return end;
  const after = await readLossyIndex(run.observer, schema, name);
  const wrong = whatIsWrong(before, after);
  if (wrong !== null || after === undefined) {
    const message = `REINDEX of ${step.key} ended with success, but ${wrong}`;
    return { kind: 'failed', error: { code: 'not_verified', message } };
  }
  const waste = [bloomWaste(before), bloomWaste(after)] as const;
  await run.effect({
    action: 'reindex',
    object: step.key,
    objectKind: 'index',
    durationMs: end.durationMs,
    sizeBeforeBytes: before.sizeBytes,
    sizeAfterBytes: after.sizeBytes,
    wasteBeforePercent: waste[0]?.percent ?? null,
    wasteAfterPercent: waste[1]?.percent ?? null,
    detail: { method: 'bloom', rows: after.rows, bytes_per_row: waste[1]?.bytesPerRow ?? null },
  });
  return {
    kind: 'done',
    result: {
      size_before_bytes: before.sizeBytes,
      size_after_bytes: after.sizeBytes,
      bytes_freed: (before.sizeBytes ?? 0) - (after.sizeBytes ?? 0),
      waste_percent_before: waste[0]?.percent ?? null,
      waste_percent_after: waste[1]?.percent ?? null,
      rows: after.rows,
      duration_ms: end.durationMs,
      gate: end.gate,
    },
  };
}

function whatIsWrong(before: LossyIndex, after: LossyIndex | undefined): string | null {
  if (after === undefined) return 'there is no index of this name any more';
  if (!after.valid) return 'the index is not valid';
  if (after.fileNode === before.fileNode) return 'the index is still in its old file';
  return after.definition === before.definition ? null : `its definition is now: ${after.definition}`;
}
