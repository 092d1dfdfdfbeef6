import type { Reading } from './forecast.ts';

const dayMs = 86_400_000;

/** One reading a day where figures are kept only when they change: a day without one has the last one before. `now` is the last day. */
export function carryForward(readings: readonly Reading[], now: Date): readonly Reading[] {
  const sorted = readings.toSorted((a, b) => a.at.getTime() - b.at.getTime());
  const first = sorted[0];
  if (first === undefined) return [];
  const filled = [...sorted];
  for (let at = first.at.getTime() + dayMs; at <= now.getTime(); at += dayMs) {
    const last = sorted.findLast((reading) => reading.at.getTime() <= at);
    const isThere = sorted.some((reading) => Math.abs(reading.at.getTime() - at) < dayMs / 2);
    if (last !== undefined && !isThere) filled.push({ ...last, at: new Date(at) });
  }
  return filled.toSorted((a, b) => a.at.getTime() - b.at.getTime());
}
