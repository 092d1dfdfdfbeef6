import type { Check } from '../check.ts';
import { judgeOperations } from './judge.ts';
import { readOperations } from './read.ts';
import { checkType, type StaleOperationConfig } from './schema.ts';

export const staleOperation: Check<StaleOperationConfig> = {
  type: checkType,
  run: async ({ reader }, config) => judgeOperations(await readOperations(reader), config),
};
