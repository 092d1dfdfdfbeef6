import { shortAttempts } from '@slacktide/acting';
import type { MvccCleanupConfig } from './schema.ts';

/** How to wait for the lock: at once for as long as allowed, or for VACUUM FULL in short goes of the same sum. */
export function lockAttempts(config: Pick<MvccCleanupConfig, 'full' | 'lock_timeout_seconds'>): {
  readonly attemptsMs: readonly number[];
  readonly pauseMs: number;
} {
  const limitMs = config.lock_timeout_seconds * 1000;
  return config.full ? shortAttempts(limitMs) : { attemptsMs: [limitMs], pauseMs: 0 };
}
