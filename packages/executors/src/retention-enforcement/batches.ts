import { type StepRun, TargetError } from '@slacktide/application/ports';
import type { Archive } from './archive.ts';
import type { RetentionConfig } from './schema.ts';
import type { DeleteData } from './step-data.ts';

type Run = StepRun<RetentionConfig>;

/** What one batch did. */
export interface Batch {
  readonly rows: number;
  /** The column's value of the last row, to go on from; null = there was none. */
  readonly last: string | null;
}

/** Where a batch looks: from a value of the column on, or within blocks. */
export interface Place {
  readonly from: string;
  /** Only with `scan`. */
  readonly to: string | null;
}

/** Deletes one batch: a statement that is a transaction of its own, or one in which the rows are on the disk of the worker before it commits. */
export async function deleteBatch(
  statement: string,
  data: DeleteData,
  place: Place,
  limit: number,
  archive: Archive | null,
  run: Run,
): Promise<Batch> {
  const { session } = run;
  const parameters = [
    data.cutoff,
    place.from,
    limit,
    ...(place.to === null ? [] : [place.to]),
    ...data.hold_parameters,
  ];
  if (archive === null) {
    const [batch] = await session.query<Batch>(statement, parameters);
    if (batch === undefined) throw new Error('an aggregate returned no row');
    return batch;
  }
  const before = archive.exported;
  await session.execute('BEGIN');
  try {
    const rows = await session.query<{ at: string; line: string }>(statement, parameters);
    await archive.append(rows.map(({ line }) => line));
    await session.execute('COMMIT');
    return { rows: rows.length, last: rows.at(-1)?.at ?? null };
  } catch (error) {
    // Whether a commit got through that was cut off nobody knows: its rows stay in the file.
    if (error instanceof TargetError && error.code === 'session_lost') throw error;
    await session.cleanUp('ROLLBACK');
    await archive.rewind(before);
    throw error;
  }
}

/** Blocks that are looked through at a time where no index leads to the rows: 8 MiB. */
const blocksAtOnce = 1_024;

/** Where to look, one place after another: the caller goes on within a place while batches come back full. */
export async function readPlaces(data: DeleteData, run: Run): Promise<readonly Place[]> {
  if (!data.scan) return [{ from: data.from, to: null }];
  const [size] = await run.observer.query<{ blocks: number }>(
    `SELECT (pg_relation_size($1::oid) / current_setting('block_size')::int8)::float8 AS blocks`,
    [data.table_oid],
  );
  const count = Math.ceil((size?.blocks ?? 0) / blocksAtOnce);
  return Array.from({ length: count }, (_, i) => ({
    from: `(${i * blocksAtOnce},0)`,
    to: `(${(i + 1) * blocksAtOnce},0)`,
  }));
}
