import type { EffectAction, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { StorageCompactionConfig } from './schema.ts';
import { type CompactTable, readCompactTable, totalBytes } from './tables.ts';
import { measureWaste, type TableWaste, wastePercent } from './waste.ts';

/** A table between two stages. */
export interface Stage {
  readonly table: CompactTable;
  readonly waste: TableWaste;
}

/** A stage that did its work. */
export interface StageEnd {
  readonly kind: 'went_on';
  readonly method: EffectAction;
  readonly after: Stage;
  readonly durationMs: number;
  readonly bytesFreed: number | null;
}

export type StageResult = StageEnd | { readonly kind: 'ended'; readonly outcome: StepOutcome };

export function ended(outcome: StepOutcome): StageResult {
  return { kind: 'ended', outcome };
}

export function notVerified(key: string, what: string, detail: string): StageResult {
  return ended({
    kind: 'failed',
    error: { code: 'not_verified', message: `${what} of ${key} ended with success, but ${detail}` },
  });
}

/** Measures what a stage made of the table, and keeps it as an effect. */
export async function settleStage(
  run: StepRun<StorageCompactionConfig>,
  before: Stage,
  { method, durationMs }: Pick<StageEnd, 'method' | 'durationMs'>,
): Promise<StageResult> {
  const table = await readCompactTable(run.observer, before.table.oid);
  if (table === undefined) return ended({ kind: 'skipped', reason: 'table_gone' });
  const after: Stage = { table, waste: await measureWaste(run, table) };
  const sizes = [totalBytes(before.table), totalBytes(table)] as const;
  await run.effect({
    action: method,
    object: table.quoted,
    objectKind: 'table',
    durationMs,
    sizeBeforeBytes: sizes[0],
    sizeAfterBytes: sizes[1],
    wasteBeforePercent: wastePercent(before.waste),
    wasteAfterPercent: wastePercent(after.waste),
    detail: {
      relfilenode: table.filenode,
      toast_waste_percent_before: before.waste.toast?.percent ?? null,
      toast_waste_percent_after: after.waste.toast?.percent ?? null,
    },
  });
  const bytesFreed = sizes[0] === null || sizes[1] === null ? null : sizes[0] - sizes[1];
  return { kind: 'went_on', method, after, durationMs, bytesFreed };
}

/** What a rewrite must leave as it was, and what it must not; null = all is well. */
export function wrongAfterRewrite(before: CompactTable, after: CompactTable | undefined): string | null {
  if (after === undefined || after.quoted !== before.quoted) return 'there is no such table any more';
  if (after.filenode === before.filenode) return 'the table is still in its old file';
  const lost = before.validIndexes.filter((oid) => !after.validIndexes.includes(oid));
  return lost.length === 0 ? null : `${lost.length} of its indexes are not valid any more`;
}
