import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import type { IndexState } from './index-state.ts';
import type { IndexRebuildConfig } from './schema.ts';
import type { Waste } from './waste.ts';

export interface Rebuilt {
  readonly step: PlannedStep;
  readonly before: IndexState;
  /** Under the same name, after the statement ended with success; undefined when it is gone. */
  readonly after: IndexState | undefined;
  /** Measured; null = it was not. */
  readonly wasteAfter: Waste | null;
  readonly durationMs: number;
  readonly gate: JsonObject;
  readonly sample: StepRun<IndexRebuildConfig>['sample'];
}

/** Believes the catalogue, not the statement's success: another file, the same definition, valid. */
export function verifyRebuild({ step, before, after, wasteAfter, durationMs, gate, sample }: Rebuilt): StepOutcome {
  const wrong = whatIsWrong(before, after);
  if (wrong !== null || after === undefined) {
    return {
      kind: 'failed',
      error: { code: 'not_verified', message: `REINDEX of ${step.key} ended with success, but ${wrong}` },
    };
  }
  // Size per row right after a rebuild: the cheapest base line for bloat to come.
  const bytesPerRow = after.rows > 0 ? Math.round((100 * after.sizeBytes) / after.rows) / 100 : null;
  const values = {
    size_bytes: after.sizeBytes,
    size_before_bytes: before.sizeBytes,
    rows: after.rows,
    bytes_per_row: bytesPerRow,
  };
  sample([{ metric: 'index_rebuild', object: step.key, values }]);
  return {
    kind: 'done',
    result: {
      size_before_bytes: before.sizeBytes,
      size_after_bytes: after.sizeBytes,
      bytes_freed: before.sizeBytes - after.sizeBytes,
      waste_percent_before: step.data['waste_percent'] ?? null,
      waste_percent_after: wasteAfter?.percent ?? null,
      relfilenode_before: before.fileNode,
      relfilenode_after: after.fileNode,
      duration_ms: durationMs,
      gate,
      ...(step.advice === undefined ? {} : { advice: step.advice }),
    },
  };
}

function whatIsWrong(before: IndexState, after: IndexState | undefined): string | null {
  if (after === undefined) return 'there is no index of this name any more';
  if (!after.valid) return 'the index is not valid';
  if (after.fileNode === before.fileNode) return 'the index is still in its old file';
  if (after.definition !== before.definition) return `its definition is now: ${after.definition}`;
  return null;
}
