import type { Check } from '../check.ts';
import { judgeStatements } from './judge.ts';
import { readStatements } from './read.ts';
import { checkType, type SlowQueryPatternConfig } from './schema.ts';

export const slowQueryPattern: Check<SlowQueryPatternConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const since = new Date(now.getTime() - Math.max(config.baseline_hours, config.window_hours) * 3_600_000);
    const earlier = await memory.snapshots('slow_query_pattern', { since, limit: 100 });
    return judgeStatements(await readStatements(reader), earlier, config);
  },
};
