import type { LoadFigure, LoadReading } from './load-reading.ts';

/**
 * How many seconds the standby furthest behind is behind in replaying. The server measures at what it hears of the standby: where replay stands still, its
 * figure does, too. So we measure as well: what was written at an earlier reading and is not replayed yet has waited at least since then.
 */
export function replicaLagSeconds(reading: LoadReading, earlier: readonly LoadReading[]): LoadFigure | undefined {
  const measured = reading.replicaLagSeconds;
  if (measured === undefined) return undefined;
  const ours = waitingSeconds(reading, earlier);
  return ours > (measured.value ?? 0) ? { ...measured, value: ours } : measured;
}

function waitingSeconds(reading: LoadReading, earlier: readonly LoadReading[]): number {
  const end = reading.walBytes?.value;
  const behind = reading.replicaLagBytes?.value;
  if (typeof end !== 'number' || typeof behind !== 'number' || behind <= 0) return 0;
  const replayed = end - behind;
  const waits = earlier.flatMap(({ atMs, walBytes }) =>
    typeof walBytes?.value === 'number' && walBytes.value > replayed ? [(reading.atMs - atMs) / 1000] : [],
  );
  return Math.max(0, ...waits);
}
