import type { JsonObject } from '@slacktide/domain';

/** Dead and free space beyond what the fillfactor leaves free on purpose, in percent of the heap. */
export function tableWastePercent(row: JsonObject): number | null {
  const figures = numbers(row, ['dead_percent', 'free_percent', 'fillfactor']);
  if (figures === undefined) return null;
  const [dead, free, fillfactor] = figures;
  return rounded(dead + free - (100 - fillfactor));
}

/**
 * The share of the file that a rebuild would give back, in percent: 1 − leaf pages × density ÷ fillfactor ÷ pages that could
 * be leaves. Counts empty and deleted pages, which the leaf density alone hides. Null for an index without leaves.
 */
export function indexWastePercent(row: JsonObject): number | null {
  const figures = numbers(row, ['leaf_pages', 'leaf_density_percent', 'fillfactor', 'pages', 'internal_pages']);
  if (figures === undefined) return null;
  const [leaves, density, fillfactor, pages, internal] = figures;
  const metaPages = 1;
  const usable = pages - metaPages - internal;
  return usable <= 0 ? null : rounded(100 * (1 - (leaves * (density / fillfactor)) / usable));
}

/** The values of these keys; undefined when one is no number. */
function numbers<const Keys extends readonly string[]>(
  row: JsonObject,
  keys: Keys,
): { [Position in keyof Keys]: number } | undefined {
  const values = keys.map((key) => row[key]);
  return values.every((value) => typeof value === 'number')
    ? (values as unknown as { [Position in keyof Keys]: number })
    : undefined;
}

function rounded(percent: number): number {
  return Math.round(Math.min(100, Math.max(0, percent)) * 10) / 10;
}
