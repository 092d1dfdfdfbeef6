import type { LoadFigure, LoadFigures, LoadReading } from './load-reading.ts';

/** A rate of write-ahead log is taken over this span: over less it is a matter of luck, over more it tells of the past. */
export const walRateSpanMs = { least: 500, most: 10_000 } as const;

const minuteMs = 60_000;
const mebibyte = 1_048_576;

/** MiB of write-ahead log a second, since the latest earlier reading that is old enough. */
export function walRate(reading: LoadReading, earlier: readonly LoadReading[]): LoadFigure {
  return rateOf(reading, earlier, 'walBytes', (bytes, others) => {
    const { least, most } = walRateSpanMs;
    const base = latest(others.filter(({ ageMs }) => ageMs >= least && ageMs <= most));
    return base && (bytes - base.value) / mebibyte / (base.ageMs / 1000);
  });
}

/** Requested checkpoints within the last minute; where nothing was read within it, a minute since the last reading. */
export function checkpointRate(reading: LoadReading, earlier: readonly LoadReading[]): LoadFigure {
  return rateOf(reading, earlier, 'requestedCheckpoints', (count, others) => {
    const base = oldest(others.filter(({ ageMs }) => ageMs <= minuteMs)) ?? latest(others);
    // One that came a second ago is one a minute, not sixty.
    return base && (count - base.value) / Math.max(1, base.ageMs / minuteMs);
  });
}

interface Earlier {
  readonly ageMs: number;
  readonly value: number;
}

function rateOf(
  reading: LoadReading,
  earlier: readonly LoadReading[],
  figure: keyof LoadFigures,
  rate: (value: number, earlier: readonly Earlier[]) => number | undefined,
): LoadFigure {
  const now = reading[figure];
  if (now === undefined) return gap('it was not read');
  const { value } = now;
  if (value === null || now.gap !== undefined) return { value: null, ...(now.gap && { gap: now.gap }) };
  const known = earlier.flatMap((other): Earlier[] => {
    const before = other[figure];
    if (before === undefined || before.value === null || before.gap !== undefined || other.atMs >= reading.atMs)
      return [];
    return [{ ageMs: reading.atMs - other.atMs, value: before.value }];
  });
  const comparable = known.filter((other) => other.value <= value);
  if (known.length > 0 && comparable.length === 0) return gap('its counter was reset since the earlier readings');
  const perUnit = rate(value, comparable);
  return perUnit === undefined ? gap('a rate needs two readings') : { value: perUnit };
}

function gap(reason: string): LoadFigure {
  return { value: null, gap: { reason, grant: null } };
}

function latest(earlier: readonly Earlier[]): Earlier | undefined {
  return earlier.reduce<Earlier | undefined>(
    (best, each) => (best && best.ageMs <= each.ageMs ? best : each),
    undefined,
  );
}

function oldest(earlier: readonly Earlier[]): Earlier | undefined {
  return earlier.reduce<Earlier | undefined>(
    (best, each) => (best && best.ageMs >= each.ageMs ? best : each),
    undefined,
  );
}
