import { type FoundFinding, objectKey } from '@slacktide/domain';
import type { TableCounters, TableFacts } from './read.ts';
import type { WorkloadConfig } from './schema.ts';

interface TopmostTable {
  readonly schema: string;
  readonly name: string;
  readonly partitions: number;
  readonly indexes: number;
  readonly fillfactor: number;
  readonly updated: number;
  readonly hotUpdated: number;
  readonly newPageUpdated: number | null;
}

/** Tables with many updates of which few are HOT; partitions count with the topmost table. */
export function findSeldomHot(
  tables: readonly TableFacts[],
  since: ReadonlyMap<number, TableCounters>,
  config: WorkloadConfig,
): readonly FoundFinding[] {
  return topmostTables(tables, since)
    .filter(({ updated, hotUpdated }) => updated >= config.min_updates && hotUpdated / updated < config.min_hot_ratio)
    .map((table) => toFinding(table, config));
}

function topmostTables(
  tables: readonly TableFacts[],
  since: ReadonlyMap<number, TableCounters>,
): readonly TopmostTable[] {
  const topmost = new Map<string, TopmostTable>();
  for (const { oid, schema, name, isPartition, indexes, fillfactor } of tables) {
    const counters = since.get(oid);
    if (counters === undefined) continue;
    const key = JSON.stringify([schema, name]);
    const known = topmost.get(key);
    topmost.set(key, {
      schema,
      name,
      partitions: (known?.partitions ?? 0) + Number(isPartition),
      indexes: Math.max(known?.indexes ?? 0, indexes),
      fillfactor: Math.min(known?.fillfactor ?? 100, fillfactor),
      updated: (known?.updated ?? 0) + counters.updated,
      hotUpdated: (known?.hotUpdated ?? 0) + counters.hotUpdated,
      newPageUpdated: counters.newPageUpdated === null ? null : (known?.newPageUpdated ?? 0) + counters.newPageUpdated,
    });
  }
  return [...topmost.values()];
}

function toFinding(table: TopmostTable, config: WorkloadConfig): FoundFinding {
  const { schema, name, updated, hotUpdated, newPageUpdated } = table;
  const hotRatio = rounded(hotUpdated / updated);
  const newPageShare = newPageUpdated === null ? null : rounded(newPageUpdated / (updated - hotUpdated));
  return {
    fingerprint: `table:${objectKey(table)}`,
    severity: 'info',
    object: { kind: 'table', schema, name, table: null },
    summary: `Of ${updated} updates of ${objectKey(table)} ${Math.round(100 * hotRatio)} % were HOT; the others wrote to each of its ${table.indexes} indexes`,
    evidence: {
      updates: updated,
      hot_updates: hotUpdated,
      hot_ratio: hotRatio,
      min_hot_ratio: config.min_hot_ratio,
      new_page_updates: newPageUpdated,
      new_page_share_of_others: newPageShare,
      indexes: table.indexes,
      fillfactor: table.fillfactor,
      partitions: table.partitions,
      suggestion: suggestionFor(newPageShare),
      no_action_because:
        'a fillfactor costs space and works only for pages written from then on; which index could go is a matter of its use',
    },
    action: null,
  };
}

/** An update that stayed in its page without being HOT changed an indexed column; one that left it may just have found no room. */
function suggestionFor(newPageShare: number | null): string {
  const room = 'lower the fillfactor, to leave room for new rows in the same page';
  const columns = 'see which indexes have columns that the updates change, and whether they are needed';
  if (newPageShare === null) return `${room}; or ${columns}`;
  return newPageShare >= 0.5 ? room : columns;
}

function rounded(ratio: number): number {
  return Math.round(1000 * ratio) / 1000;
}
