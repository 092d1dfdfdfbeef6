import type { Check } from '../check.ts';
import { judgeSecurity } from './judge.ts';
import { readSecurityFacts } from './read.ts';
import { checkType, type SecurityConfig } from './schema.ts';

export const security: Check<SecurityConfig> = {
  type: checkType,
  async run({ reader, memory }, config) {
    const [last] = await memory.snapshots('security', { limit: 1 });
    return judgeSecurity(await readSecurityFacts(reader), last, config);
  },
};
