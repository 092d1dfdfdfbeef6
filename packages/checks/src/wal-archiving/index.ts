import type { Check } from '../check.ts';
import { judgeArchiving } from './judge.ts';
import { readArchiving } from './read.ts';
import { checkType, type WalArchivingConfig } from './schema.ts';

export const walArchiving: Check<WalArchivingConfig> = {
  type: checkType,
  run: async ({ reader }, config) => judgeArchiving(await readArchiving(reader), config),
};
