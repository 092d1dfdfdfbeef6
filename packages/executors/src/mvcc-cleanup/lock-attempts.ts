import type { MvccCleanupConfig } from './schema.ts';

/** Everybody who comes after a waiting ACCESS EXCLUSIVE waits as well, so it waits in short goes: 0.1 s, 0.2 s … 1 s. */
const attemptGrowthMs = 100;
const longestAttemptMs = 1_000;
/** Longer than the longest attempt: those held up have more time to get through than they were held up. */
const pauseMs = 1_500;

/** How to wait for the lock: at once for as long as allowed, or for VACUUM FULL in short goes of the same sum. */
export function lockAttempts(config: Pick<MvccCleanupConfig, 'full' | 'lock_timeout_seconds'>): {
  readonly attemptsMs: readonly number[];
  readonly pauseMs: number;
} {
  const limitMs = config.lock_timeout_seconds * 1000;
  if (!config.full) return { attemptsMs: [limitMs], pauseMs: 0 };
  const attemptsMs: number[] = [];
  for (let nextMs = attemptGrowthMs, sumMs = 0; sumMs + nextMs <= limitMs; ) {
    attemptsMs.push(nextMs);
    sumMs += nextMs;
    nextMs = Math.min(nextMs + attemptGrowthMs, longestAttemptMs);
  }
  return { attemptsMs, pauseMs };
}
