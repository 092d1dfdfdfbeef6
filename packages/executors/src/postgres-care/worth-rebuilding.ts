import type { StepRun } from '@slacktide/application/ports';
import type { CheckReport } from '@slacktide/domain';
import { readRebuildAdvice, speaksAgainst } from '../rebuild-advice.ts';

const quoteSql = `SELECT format('%I.%I', n, i) AS quoted FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u (n, i, position) ORDER BY position`;

/** Of the bloated indexes that were found, how many INDEX_REBUILD would leave alone because their history speaks against it. */
export async function countAdvisedAgainst(
  reports: readonly CheckReport[],
  { observer, memory }: Pick<StepRun<unknown>, 'observer' | 'memory'>,
): Promise<number> {
  const found = reports.flatMap(({ findings }) => findings.filter(({ object }) => object.kind === 'index'));
  if (found.length === 0) return 0;
  const rows = await observer.query<{ quoted: string }>(quoteSql, [
    found.map(({ object }) => object.schema),
    found.map(({ object }) => object.name),
  ]);
  const advice = await readRebuildAdvice(
    memory,
    rows.map(({ quoted }) => quoted),
  );
  return found.filter((finding, position) => speaksAgainst(advice.get(rows[position]?.quoted ?? ''), finding)).length;
}
