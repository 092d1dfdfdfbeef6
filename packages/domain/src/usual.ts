/** What is usual of a value: its median, and the median absolute deviation from it. */
export interface Usual {
  readonly median: number;
  readonly deviation: number;
}

/** More than three deviations above the median, and more than one and a half times it. */
export function isUnusual(value: number, { median, deviation }: Usual): boolean {
  return value > Math.max(median + 3 * deviation, 1.5 * median);
}
