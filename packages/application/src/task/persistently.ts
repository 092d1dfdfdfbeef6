import { setTimeout } from 'node:timers/promises';

/** Tries again for `limitMs`: an outcome that is known must not be lost to a short absence of the ledger. */
export async function persistently<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
  const started = performance.now();
  for (let pauseMs = 100; ; pauseMs *= 2) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() - started + pauseMs > limitMs) throw error;
      await setTimeout(pauseMs);
    }
  }
}
