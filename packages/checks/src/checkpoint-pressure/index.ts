import type { Check } from '../check.ts';
import { judgeCheckpoints } from './judge.ts';
import { readCheckpoints } from './read.ts';
import { type CheckpointPressureConfig, checkType } from './schema.ts';

export const checkpointPressure: Check<CheckpointPressureConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const since = new Date(now.getTime() - config.window_hours * 3_600_000);
    const earlier = await memory.snapshots('checkpoint_pressure', { since, limit: 1000 });
    return judgeCheckpoints(await readCheckpoints(reader), earlier, config);
  },
};
