import { setTimeout as sleep } from 'node:timers/promises';

/**
 * How long to wait until the counters of pg_stat_* show what was just done. Servers before 15 show them up to 0.5 s late
 * (PGSTAT_STAT_INTERVAL), later ones at once; ten times that is more than a healthy server needs.
 */
const settleLimitMs = 5_000;
const pollEveryMs = 50;

/** Reads until `settled` says so; returns the last reading, settled or not. Throws the signal's reason when aborted. */
export async function settle<T>(
  read: () => Promise<T>,
  settled: (reading: T) => boolean,
  signal: AbortSignal,
): Promise<T> {
  const started = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const reading = await read();
    if (settled(reading) || performance.now() - started > settleLimitMs) return reading;
    await sleep(pollEveryMs, undefined, { signal });
  }
}
