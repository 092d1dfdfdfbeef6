import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { LossyIndex } from './lossy-indexes.ts';

const defaultPagesPerRange = 128;

export function pagesPerRange({ options }: Pick<LossyIndex, 'options'>): number {
  return Number(options?.['pages_per_range'] ?? defaultPagesPerRange);
}

/** How many ranges the table has; null = it is locked now. */
export function rangesOf(index: Pick<LossyIndex, 'options' | 'tableBlocks'>): number | null {
  return index.tableBlocks === null ? null : Math.ceil(index.tableBlocks / pagesPerRange(index));
}

/** The schema of pageinspect, quoted; undefined = it is not installed, or not for us: its functions are for superusers. */
export async function readPageinspect(reader: TargetReader): Promise<string | undefined> {
  const [row] = await reader.query<{ schema: string }>(`
SELECT quote_ident(n.nspname) AS schema FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
WHERE e.extname = 'pageinspect' AND (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)`);
  return row?.schema;
}

/**
 * How many ranges of the table the index has no summary of, counted in its map; null = cannot be counted: without pageinspect, or locked. A range that was
 * only begun counts as well.
 */
export async function countUnsummarised(
  reader: TargetReader,
  index: LossyIndex,
  pageinspect: string | undefined,
): Promise<number | null> {
  const ranges = rangesOf(index);
  if (pageinspect === undefined || ranges === null || index.sizeBytes === null) return null;
  try {
    const [row] = await reader.query<{ summarised: number }>(
      `
SELECT count(*) FILTER (WHERE place <= $2::float8 AND item <> '(0,0)'::tid)::float8 AS summarised
FROM (SELECT row_number() OVER () AS place, item
  FROM generate_series(1, (SELECT lastrevmappage FROM ${pageinspect}.brin_metapage_info(${pageinspect}.get_raw_page($1, 0)))) AS page,
    LATERAL ${pageinspect}.brin_revmap_data(${pageinspect}.get_raw_page($1, page::int)) AS item) AS map`,
      [index.quoted, ranges],
    );
    return Math.max(0, ranges - (row?.summarised ?? 0));
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    return null;
  }
}
