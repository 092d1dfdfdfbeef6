import type { Check } from '../check.ts';
import { judgeAdvisoryLocks } from './judge.ts';
import { readAdvisoryLocks } from './read.ts';
import { checkType, type StaleAdvisoryLockConfig } from './schema.ts';

export const staleAdvisoryLock: Check<StaleAdvisoryLockConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const [earlier] = await memory.snapshots('stale_advisory_lock', { limit: 1 });
    return judgeAdvisoryLocks(await readAdvisoryLocks(reader), earlier, now, config);
  },
};
