import type { VacuumSettings } from './facts.ts';
import type { MvccCleanupConfig } from './schema.ts';
import type { HeapFacts, VacuumTable } from './vacuum-tables.ts';

/** Why a table is due, the most urgent first. */
export const dueReasons = ['wraparound_urgent', 'wraparound_late', 'dead_rows', 'inserted_rows'] as const;
export type DueReason = (typeof dueReasons)[number];

export interface Due {
  readonly reason: DueReason;
  /** How many times over its limit. */
  readonly ratio: number;
}

type Overrides = Pick<MvccCleanupConfig, 'dead_percent' | 'dead_rows'>;

/** Every reason why the table or its TOAST table is due, the most urgent first; empty = not due. */
export function dueFor(table: VacuumTable, settings: VacuumSettings, overrides: Overrides): readonly Due[] {
  // A TOAST table follows its table's storage parameters unless it has any of its own.
  const toast = table.toast === null ? [] : [{ ...table.toast, options: table.toast.options ?? table.options }];
  const worst = new Map<DueReason, number>();
  for (const heap of [table, ...toast]) {
    for (const { reason, ratio } of heapDue(heap, settings, overrides)) {
      worst.set(reason, Math.max(ratio, worst.get(reason) ?? 0));
    }
  }
  return dueReasons.flatMap((reason) => {
    const ratio = worst.get(reason);
    return ratio === undefined ? [] : [{ reason, ratio }];
  });
}

/** Whether the TOAST table is due, and the table itself is not. */
export function isOnlyToastDue(table: VacuumTable, settings: VacuumSettings, overrides: Overrides): boolean {
  return heapDue(table, settings, overrides).length === 0 && dueFor(table, settings, overrides).length > 0;
}

/** Dead rows a heap may have: threshold + scale factor × rows, from 18 on capped; with overrides exactly what they say. */
export function deadRowsLimit(heap: HeapFacts, settings: VacuumSettings, overrides: Overrides): number {
  const value = optionOf(heap, settings);
  const threshold = overrides.dead_rows ?? value('autovacuum_vacuum_threshold');
  const scale =
    overrides.dead_percent === null ? value('autovacuum_vacuum_scale_factor') : overrides.dead_percent / 100;
  const limit = threshold + scale * Math.max(heap.reltuples, 0);
  const cap = value('autovacuum_vacuum_max_threshold');
  const overridden = overrides.dead_rows !== null || overrides.dead_percent !== null;
  return cap < 0 || overridden ? limit : Math.min(limit, cap);
}

function heapDue(heap: HeapFacts, settings: VacuumSettings, overrides: Overrides): Due[] {
  const value = optionOf(heap, settings);
  const due: Due[] = [];
  const over = (reason: DueReason, actual: number, limit: number): void => {
    if (actual > limit) due.push({ reason, ratio: actual / Math.max(limit, 1) });
  };
  // A table's own freeze age can only be stricter than the server's.
  const xidLimit = Math.min(value('autovacuum_freeze_max_age'), settings.autovacuum_freeze_max_age);
  const multixactLimit = Math.min(
    value('autovacuum_multixact_freeze_max_age'),
    settings.autovacuum_multixact_freeze_max_age,
  );
  over('wraparound_late', heap.xidAge, xidLimit);
  over('wraparound_late', heap.multixactAge, multixactLimit);
  over('wraparound_urgent', heap.xidAge, Math.max(settings.vacuum_failsafe_age, xidLimit));
  over('wraparound_urgent', heap.multixactAge, Math.max(settings.vacuum_multixact_failsafe_age, multixactLimit));
  over('dead_rows', heap.deadRows, deadRowsLimit(heap, settings, overrides));
  const insertThreshold = value('autovacuum_vacuum_insert_threshold');
  if (insertThreshold >= 0) {
    const rows = Math.max(heap.reltuples, 0) * heap.unfrozenShare;
    over('inserted_rows', heap.insertedRows, insertThreshold + value('autovacuum_vacuum_insert_scale_factor') * rows);
  }
  return due;
}

/** The heap's own storage parameter, else the server's setting of the same name. */
function optionOf(heap: HeapFacts, settings: VacuumSettings): (name: keyof VacuumSettings) => number {
  return (name) => {
    const own = Number(heap.options?.[name] ?? Number.NaN);
    return Number.isNaN(own) ? settings[name] : own;
  };
}
