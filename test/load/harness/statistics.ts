/** A sample in three figures: half of it lies between the quartiles. */
export interface Spread {
  readonly lower: number;
  readonly median: number;
  readonly upper: number;
  /** How many values. */
  readonly count: number;
}

/** The value below which a share `q` (0 to 1) of the values lies, interpolated between neighbours. @throws RangeError for no values. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('expected at least one value, got none');
  const sorted = values.toSorted((a, b) => a - b);
  const place = (sorted.length - 1) * q;
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}

/** Quartiles and median. @throws RangeError for no values. */
export function spread(values: readonly number[]): Spread {
  return {
    lower: quantile(values, 0.25),
    median: quantile(values, 0.5),
    upper: quantile(values, 0.75),
    count: values.length,
  };
}
