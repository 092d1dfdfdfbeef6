import { AppError } from '../app-error.ts';
import { pause, untilAborted } from './bounded.ts';

const firstPauseMs = 100;
const longestPauseMs = 1_000;

/** Tries again for `limitMs`: an outcome that is known must not be lost to an absence of the ledger. */
export async function persistently<T>(work: () => Promise<T>, limitMs: number): Promise<T> {
  const started = performance.now();
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (performance.now() - started + pauseMs > limitMs) throw error;
      await pause(pauseMs);
    }
  }
}

/**
 * Tries again while the ledger is away, until the signal is aborted: that comes with the first renewal that fails, so a blink of the ledger ends
 * nothing and an absence stops the work in time. Rejects with the signal's reason, or with any other error at once.
 */
export async function whileLeased<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    try {
      return await untilAborted(signal, work());
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'ledger_unavailable')) throw error;
      await untilAborted(signal, pause(pauseMs));
    }
  }
}
