import type { StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { Archive } from './archive.ts';
import type { RetentionConfig } from './schema.ts';
import { lineSql } from './statements.ts';

/** What one reading brings into memory, by the average of the partition, values out of line included. */
const chunkBytes = 8 * 1024 * 1024;

/** SQL settings that decide how values are written out; the same when they are compared. */
export const writingSql = `SELECT set_config('extra_float_digits', '1', false), set_config('bytea_output', 'hex', false),
  set_config('intervalstyle', 'iso_8601', false)`;

interface Extent {
  /** Of the longest leaf. */
  readonly blocks: number;
  readonly bytesPerBlock: number;
}

/** Blocks as the leaves have them: all leaves are read at once, range by range. */
const extentSql = `
WITH RECURSIVE tree (relid) AS (
  SELECT $1::oid UNION ALL SELECT i.inhrelid FROM tree JOIN pg_inherits i ON i.inhparent = tree.relid),
leaves AS (SELECT pg_relation_size(relid) / current_setting('block_size')::int8 AS blocks, pg_table_size(relid) AS bytes
  FROM tree JOIN pg_class c ON c.oid = relid WHERE c.relkind = 'r')
SELECT coalesce(max(blocks), 0)::float8 AS blocks, coalesce(sum(bytes) / greatest(max(blocks), 1), 0)::float8 AS "bytesPerBlock" FROM leaves`;

/**
 * Writes every row of a partition to a file, verified frame by frame. Rows may change meanwhile: that the file holds exactly the rows that go is proved
 * under a lock, before they go.
 */
export async function exportPartition(
  run: StepRun<RetentionConfig>,
  { oid, quoted, folder }: { readonly oid: number; readonly quoted: string; readonly folder: string },
  about: JsonObject,
): Promise<Archive> {
  await run.session.query(writingSql);
  const [extent = { blocks: 0, bytesPerBlock: 0 }] = await run.observer.query<Extent>(extentSql, [oid]);
  const blocksAtOnce = Math.max(1, Math.floor(chunkBytes / Math.max(extent.bytesPerBlock, 1)));
  const sql = `SELECT ${lineSql('t')} AS line FROM ${quoted} AS t WHERE t.ctid >= $1::tid AND t.ctid < $2::tid`;
  const archive = await Archive.create(folder, quoted, new Date());
  try {
    for (let block = 0; block < extent.blocks; block += blocksAtOnce) {
      const rows = await run.session.query<{ line: string }>(sql, [`(${block},0)`, `(${block + blocksAtOnce},0)`]);
      await archive.append(rows.map(({ line }) => line));
      run.progress({
        phase: 'exporting',
        percent: Math.min(100, Math.floor((100 * (block + blocksAtOnce)) / extent.blocks)),
        etaSeconds: null,
      });
    }
    await archive.complete(about);
    return archive;
  } catch (error) {
    await archive.discard();
    throw error;
  }
}
