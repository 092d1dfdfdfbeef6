/** A size at a time. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

/** Bytes a day: the median of the slopes between any two samples, and between which four of five of them lie. */
export interface Growth {
  readonly perDay: number;
  readonly low: number;
  readonly high: number;
  /** How long was looked. */
  readonly days: number;
}

const dayMs = 86_400_000;
const leastSamples = 7;
const leastDays = 3;
/** Slopes between any two of these: enough for a trend, little to compute. */
const mostSamples = 100;
/** Something was removed: what was before says nothing about the growth since. */
const fall = 0.8;

/** Undefined = too few samples. `samples` oldest first. */
export function growthOf(samples: readonly Sample[]): Growth | undefined {
  const segment = thinned(sinceFall(samples));
  const [first, last] = [segment[0], segment.at(-1)];
  if (first === undefined || last === undefined || segment.length < leastSamples) return undefined;
  const days = (last.atMs - first.atMs) / dayMs;
  if (days < leastDays) return undefined;
  const slopes = segment
    .flatMap((a, index) =>
      segment
        .slice(index + 1)
        .flatMap((b) => (b.atMs > a.atMs ? [((b.bytes - a.bytes) / (b.atMs - a.atMs)) * dayMs] : [])),
    )
    .sort((a, b) => a - b);
  const at = (share: number): number => Math.round(slopes[Math.floor(share * (slopes.length - 1))] ?? 0);
  return { perDay: at(0.5), low: at(0.1), high: at(0.9), days };
}

/** Days until `bytes` more are there; null = it does not grow, or too far ahead to tell from so short a look. */
export function daysUntil(bytes: number, growth: Growth | undefined): number | null {
  if (bytes <= 0) return 0;
  if (growth === undefined || growth.perDay <= 0) return null;
  const days = bytes / growth.perDay;
  return days > 3 * growth.days ? null : Math.round(10 * days) / 10;
}

function sinceFall(samples: readonly Sample[]): readonly Sample[] {
  const at = samples.findLastIndex(({ bytes }, index) => bytes < fall * (samples[index - 1]?.bytes ?? 0));
  return at === -1 ? samples : samples.slice(at);
}

function thinned(samples: readonly Sample[]): readonly Sample[] {
  const step = Math.ceil(samples.length / mostSamples);
  return samples.filter((_, index) => (samples.length - 1 - index) % step === 0);
}
