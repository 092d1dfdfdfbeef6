import { readIndexDefinitions } from '../catalogue/index-definitions.ts';
import type { Check } from '../check.ts';
import { judgeDuplicateIndexes } from './judge.ts';
import { checkType, type DuplicateIndexConfig } from './schema.ts';

export const duplicateIndex: Check<DuplicateIndexConfig> = {
  type: checkType,
  run: async ({ reader }, config) => judgeDuplicateIndexes(await readIndexDefinitions(reader), config),
};
