/** Everybody who comes after a waiting ACCESS EXCLUSIVE waits as well, so it waits in short goes: 0.1 s, 0.2 s … 1 s. */
const attemptGrowthMs = 100;
const longestAttemptMs = 1_000;
/** Longer than the longest attempt: those held up have more time to get through than they were held up. */
const pauseMs = 1_500;

/** How to wait for ACCESS EXCLUSIVE: in goes that grow to a second, `limitMs` in all, with a pause after each. */
export function shortAttempts(limitMs: number): { readonly attemptsMs: readonly number[]; readonly pauseMs: number } {
  const attemptsMs: number[] = [];
  for (let nextMs = attemptGrowthMs, sumMs = 0; sumMs + nextMs <= limitMs; ) {
    attemptsMs.push(nextMs);
    sumMs += nextMs;
    nextMs = Math.min(nextMs + attemptGrowthMs, longestAttemptMs);
  }
  return { attemptsMs, pauseMs };
}
