import { describe, expect, it } from 'vitest';
import { lockAttempts } from './lock-attempts.ts';

describe('lockAttempts', () => {
  const attempts = (full: boolean, lock_timeout_seconds: number) => lockAttempts({ full, lock_timeout_seconds });

  it('waits once for the usual lock', () => {
    expect(attempts(false, 5)).toEqual({ attemptsMs: [5000], pauseMs: 0 });
  });

  it('waits for the exclusive lock in goes that grow to a second, within the same sum, with longer pauses', () => {
    for (const seconds of [1, 5, 60]) {
      const { attemptsMs, pauseMs } = attempts(true, seconds);
      const sum = attemptsMs.reduce((a, b) => a + b);
      expect(sum).toBeLessThanOrEqual(seconds * 1000);
      expect(sum).toBeGreaterThanOrEqual(seconds * 1000 - 1000);
      expect(Math.max(...attemptsMs)).toBeLessThanOrEqual(1000);
      expect(pauseMs).toBeGreaterThan(Math.max(...attemptsMs));
      expect(attemptsMs[0]).toBe(100);
    }
  });
});
