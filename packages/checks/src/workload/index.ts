import type { Check } from '../check.ts';
import { judgeWorkload } from './judge.ts';
import { readWorkloadFacts } from './read.ts';
import { checkType, type WorkloadConfig } from './schema.ts';

export const workload: Check<WorkloadConfig> = {
  type: checkType,
  async run({ reader, memory, standbys, now }, config) {
    const since = new Date(now.getTime() - config.window_hours * 3_600_000);
    const earlier = await memory.snapshots('workload', { since, limit: 300 });
    return judgeWorkload(await readWorkloadFacts(reader, standbys), earlier, now, config);
  },
};
