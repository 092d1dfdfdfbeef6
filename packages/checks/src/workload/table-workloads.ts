import type { CheckSnapshot, TargetMemory, TargetReader } from '@slacktide/application/ports';
import { type Classified, classify, countRows, type RowCounts } from './classify.ts';
import { fromRow, numbers, rowsOf, toRow } from './counters.ts';
import { readWorkloadFacts, type TableCounters, type TableFacts, type WorkloadFacts } from './read.ts';
import { checkType, type WorkloadConfig } from './schema.ts';

/** The load of one table, its partitions together, by what its counters told between looks. Rows read on standbys are not in it. */
export interface TableWorkload {
  readonly schema: string;
  readonly name: string;
  /** 0 = it has none. */
  readonly partitions: number;
  readonly classified: Classified;
  readonly rows: RowCounts;
  /** The oldest look that has it; null = none has. */
  readonly since: Date | null;
  /** How often its counters began anew since. What was counted between the last look and then is missing. */
  readonly resets: number;
}

/** As many as are kept of a check. */
const mostLooks = 200;

/** Reads the counters, and compares with what `workload` kept within the `hours` before `now`, by its defaults. Those with the most rows first. */
export async function watchedTables(
  { reader, memory, now }: { readonly reader: TargetReader; readonly memory: TargetMemory; readonly now: Date },
  hours: number,
): Promise<readonly TableWorkload[]> {
  const since = new Date(now.getTime() - hours * 3_600_000);
  const earlier = (await memory.snapshots('workload', { since, limit: mostLooks })).filter(({ at }) => at < now);
  return workloadsOfTables(await readWorkloadFacts(reader, []), earlier, checkType.config.parse({}));
}

/** Pure. `earlier` looks newest first. */
export function workloadsOfTables(
  facts: WorkloadFacts,
  earlier: readonly CheckSnapshot[],
  config: Pick<WorkloadConfig, 'min_rows' | 'heavy_ratio'>,
): readonly TableWorkload[] {
  const looks = toLooks(facts, earlier);
  return [...Map.groupBy(facts.tables, ({ schema, name }) => JSON.stringify([schema, name])).values()]
    .map((parts) => workloadOf(parts, looks, config))
    .toSorted((a, b) => rowsIn(b) - rowsIn(a) || (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** A look, or the present, as one table's counters are followed through them. */
interface Look {
  readonly at: Date;
  /** Grows with each reset of all counters. */
  readonly generation: number;
  /** By OID. */
  readonly rows: ReadonlyMap<number, readonly number[]>;
  /** A table that it has not was idle, or was not there yet. */
  readonly isWhole: boolean;
}

/** What tells looks apart. */
interface Counted {
  readonly at: Date;
  readonly reset: string;
  readonly blocks: readonly number[];
  readonly rows: Look['rows'];
  readonly isWhole: boolean;
}

/** Oldest first; the present is the last, and has no moment of its own: nothing begins with it. */
function toLooks(facts: WorkloadFacts, earlier: readonly CheckSnapshot[]): readonly Look[] {
  const kept = earlier.toReversed().map(
    ({ at, values }): Counted => ({
      at,
      reset: String(values['reset']),
      blocks: numbers(values['blocks']),
      rows: rowsOf(values),
      isWhole: numbers(values['others']).every((value) => value === 0),
    }),
  );
  const present: Counted = {
    at: earlier[0]?.at ?? new Date(0),
    reset: facts.statsReset,
    blocks: [facts.blocksHit, facts.blocksRead],
    rows: new Map(facts.tables.map((table) => [table.oid, toRow(table)])),
    isWhole: true,
  };
  let generation = 0;
  let before: Counted | undefined;
  return [...kept, present].map((look) => {
    // The counters of a single table may be reset by themselves, which changes the time of the reset alone.
    const blocksFell = look.blocks.some((value, index) => value < (before?.blocks[index] ?? 0));
    if (before !== undefined && look.reset !== before.reset && blocksFell) generation += 1;
    before = look;
    return { at: look.at, generation, rows: look.rows, isWhole: look.isWhole };
  });
}

function workloadOf(
  parts: readonly TableFacts[],
  looks: readonly Look[],
  config: Pick<WorkloadConfig, 'min_rows' | 'heavy_ratio'>,
): TableWorkload {
  const [{ schema, name } = { schema: '', name: '' }] = parts;
  const followed = parts.map(({ oid }) => follow(oid, looks));
  const rows = countRows(followed.map(({ counters }) => counters));
  const begins = followed.flatMap(({ since }) => (since === null ? [] : [since.getTime()]));
  const since = begins.length === 0 ? null : new Date(Math.min(...begins));
  return {
    schema,
    name,
    partitions: parts.filter(({ isPartition }) => isPartition).length,
    classified:
      since === null
        ? { kind: 'not_enough_data', reason: 'no earlier look to compare with' }
        : classify(rows, since, config),
    rows,
    since,
    resets: Math.max(...followed.map(({ resets }) => resets)),
  };
}

interface Followed {
  readonly counters: TableCounters;
  readonly since: Date | null;
  readonly resets: number;
}

/** Adds up what came between looks; where the counters began anew, what they have then came since. */
function follow(oid: number, looks: readonly Look[]): Followed {
  let total: readonly number[] = [];
  let known: { readonly row: readonly number[]; readonly generation: number } | undefined;
  let since: Date | null = null;
  let resets = 0;
  for (const [position, look] of looks.entries()) {
    const row = look.rows.get(oid) ?? (look.isWhole ? toRow(fromRow(oid, [])) : undefined);
    if (row === undefined) continue;
    if (known !== undefined) {
      const then = known.row;
      const beganAnew = look.generation !== known.generation || row.some((value, index) => value < (then[index] ?? 0));
      if (beganAnew) resets += 1;
      const sum = total;
      total = row.map((value, index) => (sum[index] ?? 0) + value - (beganAnew ? 0 : (then[index] ?? 0)));
    } else if (position < looks.length - 1) since = look.at;
    known = { row, generation: look.generation };
  }
  return { counters: fromRow(oid, total), since, resets };
}

function rowsIn({ rows }: TableWorkload): number {
  return rows.rows_read + rows.rows_written;
}

function keyOf({ schema, name }: TableWorkload): string {
  return `${schema}.${name}`;
}
