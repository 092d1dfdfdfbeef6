import type { JsonObject } from '@slacktide/domain';

export type ProgressView = 'create_index' | 'vacuum' | 'analyze' | 'cluster';

/** How much of a phase is done, in the phase's own unit. `total` is over 0. */
export interface Counter {
  readonly done: number;
  readonly total: number;
}

type Columns = readonly [done: string, total: string];

/** Which columns count in which phase. PostgreSQL leaves counters of earlier phases standing, so a phase not listed has none. */
const countedPhases: Readonly<Record<ProgressView, readonly (readonly [phase: RegExp, columns: Columns])[]>> = {
  create_index: [
    [/scanning (table|index)$/, ['blocks_done', 'blocks_total']],
    [/loading tuples in tree$/, ['tuples_done', 'tuples_total']],
    // Access methods other than btree name no sub-phase.
    [/^building index$/, ['blocks_done', 'blocks_total']],
  ],
  vacuum: [
    [/^scanning heap$/, ['heap_blks_scanned', 'heap_blks_total']],
    [/^vacuuming heap$/, ['heap_blks_vacuumed', 'heap_blks_total']],
    // From 17 on; on older servers the columns are absent.
    [/^(vacuuming|cleaning up) indexes$/, ['indexes_processed', 'indexes_total']],
  ],
  analyze: [
    [/^acquiring (inherited )?sample rows$/, ['sample_blks_scanned', 'sample_blks_total']],
    [/^computing extended statistics$/, ['ext_stats_computed', 'ext_stats_total']],
  ],
  cluster: [[/^seq scanning heap$/, ['heap_blks_scanned', 'heap_blks_total']]],
};

/** The counter of a phase; null where PostgreSQL counts nothing: waiting, sorting, total unknown. */
export function counterOf(view: ProgressView, phase: string, columns: JsonObject): Counter | null {
  const names = countedPhases[view].find(([pattern]) => pattern.test(phase))?.[1];
  if (names === undefined) return null;
  const [done = 0, total = 0] = names.map((name) => Number(columns[name] ?? 0));
  if (total <= 0) return null;
  // While an index build scans its very first block, PostgreSQL counts as if it had wrapped around: all blocks done.
  if (done >= total && view === 'create_index') return null;
  return { done: Math.min(done, total), total };
}
