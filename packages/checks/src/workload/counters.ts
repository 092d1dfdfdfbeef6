import type { CheckSnapshot } from '@slacktide/application/ports';
import type { Json, JsonObject } from '@slacktide/domain';
import type { TableCounters, WorkloadFacts } from './read.ts';

/** Tables whose counters are kept one by one: the busiest; of the others the sum. A snapshot stays below 20 kB with them. */
const longestSnapshot = 200;

/** What the next looks compare with. */
export function snapshotOf(facts: WorkloadFacts): JsonObject {
  const byActivity = facts.tables
    .filter((table) => activityOf(table) > 0)
    .sort((a, b) => activityOf(b) - activityOf(a) || a.oid - b.oid);
  return {
    reset: facts.statsReset,
    blocks: [facts.blocksHit, facts.blocksRead],
    tables: Object.fromEntries(byActivity.slice(0, longestSnapshot).map((table) => [table.oid, toRow(table)])),
    others: toRow(addUp(byActivity.slice(longestSnapshot))),
    standbys: Object.fromEntries(
      facts.standbys.flatMap((standby) =>
        standby.kind === 'reads' ? [[standby.name, [standby.statsReset, standby.reads]]] : [],
      ),
    ),
  };
}

/** What happened since an earlier look. */
export interface Since {
  readonly at: Date;
  /** By OID; absent = one of the others. */
  readonly tables: ReadonlyMap<number, TableCounters>;
  /** What happened to the others together; at least, should some of them have been dropped. */
  readonly others: TableCounters;
  readonly blocksHit: number;
  readonly blocksRead: number;
  /** Rows read on each standby; null = not known. */
  readonly standbys: ReadonlyMap<string, number | null>;
}

/** Compares with the oldest of `earlier` (newest first) from which every counter has grown without a reset. */
export function sinceOldest(facts: WorkloadFacts, earlier: readonly CheckSnapshot[]): Since | undefined {
  const base = earlier.findLast(
    ({ values }) => values['reset'] === facts.statsReset && grewFrom(rowsOf(values), facts),
  );
  if (base === undefined) return undefined;
  const then = rowsOf(base.values);
  const others = numbers(base.values['others']);
  // Where there were no others, a table that was not kept was idle, or is new.
  const isKept = ({ oid }: TableCounters): boolean => then.has(oid) || others.every((value) => value === 0);
  const [hit = 0, read = 0] = numbers(base.values['blocks']);
  return {
    at: base.at,
    tables: new Map(
      facts.tables.filter(isKept).map((table) => [table.oid, difference(table, then.get(table.oid) ?? [])]),
    ),
    others: difference(addUp(facts.tables.filter((table) => !isKept(table))), others),
    blocksHit: facts.blocksHit - hit,
    blocksRead: facts.blocksRead - read,
    standbys: new Map(
      facts.standbys.flatMap((standby) => {
        if (standby.kind === 'unreadable') return [];
        const [reset, reads] = array((base.values['standbys'] as JsonObject | undefined)?.[standby.name]);
        const grew = reset === standby.statsReset && Number(reads) <= standby.reads;
        return [[standby.name, grew ? standby.reads - Number(reads) : null]];
      }),
    ),
  };
}

function activityOf({ reads, inserted, updated, deleted }: TableCounters): number {
  return reads + inserted + updated + deleted;
}

function addUp(tables: readonly TableCounters[]): TableCounters {
  const sum = (of: (table: TableCounters) => number): number => tables.reduce((total, table) => total + of(table), 0);
  return {
    oid: 0,
    reads: sum(({ reads }) => reads),
    inserted: sum(({ inserted }) => inserted),
    updated: sum(({ updated }) => updated),
    deleted: sum(({ deleted }) => deleted),
    hotUpdated: sum(({ hotUpdated }) => hotUpdated),
    newPageUpdated: sum(({ newPageUpdated }) => newPageUpdated ?? 0),
  };
}

export function toRow(table: TableCounters): readonly number[] {
  const { reads, inserted, updated, deleted, hotUpdated, newPageUpdated } = table;
  return [reads, inserted, updated, deleted, hotUpdated, newPageUpdated ?? 0];
}

function difference(table: TableCounters, then: readonly number[]): TableCounters {
  const grown = toRow(table).map((value, index) => Math.max(0, value - (then[index] ?? 0)));
  const counters = fromRow(table.oid, grown);
  return table.newPageUpdated === null ? { ...counters, newPageUpdated: null } : counters;
}

export function fromRow(oid: number, row: readonly number[]): TableCounters {
  const [reads = 0, inserted = 0, updated = 0, deleted = 0, hotUpdated = 0, newPageUpdated = 0] = row;
  return { oid, reads, inserted, updated, deleted, hotUpdated, newPageUpdated };
}

function grewFrom(then: ReadonlyMap<number, readonly number[]>, { tables }: WorkloadFacts): boolean {
  return tables.every((table) => {
    const row = then.get(table.oid);
    return row === undefined || toRow(table).every((value, index) => value >= (row[index] ?? 0));
  });
}

/** What a look kept, by OID: counters in the order of `toRow`. */
export function rowsOf(values: JsonObject): ReadonlyMap<number, readonly number[]> {
  return new Map(
    Object.entries((values['tables'] ?? {}) as JsonObject).map(([oid, row]) => [Number(oid), numbers(row)]),
  );
}

export function numbers(value: Json | undefined): readonly number[] {
  return array(value).map(Number);
}

function array(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
