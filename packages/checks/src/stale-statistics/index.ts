import type { Check } from '../check.ts';
import { judgeStaleStatistics } from './judge.ts';
import { readStatisticsFacts } from './read.ts';
import { checkType, type StaleStatisticsConfig } from './schema.ts';

export const staleStatistics: Check<StaleStatisticsConfig> = {
  type: checkType,
  run: async ({ reader }, config) => judgeStaleStatistics(await readStatisticsFacts(reader), config),
};
