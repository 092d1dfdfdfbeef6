import { readIndexDefinitions } from '../catalogue/index-definitions.ts';
import type { Check } from '../check.ts';
import { judgeRedundantIndexes } from './judge.ts';
import { checkType, type RedundantIndexConfig } from './schema.ts';

export const redundantIndex: Check<RedundantIndexConfig> = {
  type: checkType,
  run: async ({ reader }, config) => judgeRedundantIndexes(await readIndexDefinitions(reader), config),
};
