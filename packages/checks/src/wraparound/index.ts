import type { Check } from '../check.ts';
import { judgeWraparound } from './judge.ts';
import { readWraparoundFacts } from './read.ts';
import { checkType, type WraparoundConfig } from './schema.ts';

export const wraparound: Check<WraparoundConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const since = new Date(now.getTime() - config.rate_window_hours * 3_600_000);
    const earlier = await memory.snapshots('wraparound', { since, limit: 1000 });
    return judgeWraparound(await readWraparoundFacts(reader), earlier, now, config);
  },
};
