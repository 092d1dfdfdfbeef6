/** Work of the past, to judge like work by. */
export interface PastDuration {
  readonly object: string;
  readonly sizeBytes: number | null;
  readonly durationMs: number;
}

/** How long work will take, by what like work took: 10th percentile, median, 90th percentile. */
export interface ExpectedDuration {
  readonly low: number;
  readonly likely: number;
  readonly high: number;
  readonly samples: number;
}

/** Less tells nothing. */
const fewestSamples = 3;
/** Objects up to so many times larger or smaller are of like size: of small ones, most of the time is not spent on their bytes. */
const likeSize = 8;

/**
 * Seconds that work on `object` takes, by seconds a byte of the past: of the same object where there were three at least, else of objects of like size,
 * else of all. Null when there was too little, or the size is not known.
 */
export function expectedDuration(
  { object, sizeBytes }: { readonly object: string; readonly sizeBytes: number | null },
  past: readonly PastDuration[],
): ExpectedDuration | null {
  if (sizeBytes === null || sizeBytes <= 0) return null;
  const usable = past.flatMap((each) =>
    each.sizeBytes !== null && each.sizeBytes > 0 ? [{ ...each, sizeBytes: each.sizeBytes }] : [],
  );
  const choices = [
    usable.filter((each) => each.object === object),
    usable.filter((each) => each.sizeBytes <= sizeBytes * likeSize && each.sizeBytes >= sizeBytes / likeSize),
    usable,
  ];
  const chosen = choices.find(({ length }) => length >= fewestSamples);
  if (chosen === undefined) return null;
  const pace = chosen.map((each) => each.durationMs / 1000 / each.sizeBytes).sort((a, b) => a - b);
  const seconds = (share: number): number => percentile(pace, share) * sizeBytes;
  return { low: seconds(0.1), likely: seconds(0.5), high: seconds(0.9), samples: chosen.length };
}

/** Of sorted values, interpolated as percentile_cont does. */
function percentile(sorted: readonly number[], share: number): number {
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] ?? 0;
  const above = sorted[Math.ceil(position)] ?? below;
  return below + (above - below) * (position - Math.floor(position));
}
