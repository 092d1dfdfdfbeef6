import type { Check } from '../check.ts';
import { fromSnapshot } from './baseline.ts';
import { judgeSchemaDrift } from './judge.ts';
import { readSchema } from './read.ts';
import { checkType, type SchemaDriftConfig } from './schema.ts';

export const schemaDrift: Check<SchemaDriftConfig> = {
  type: checkType,
  async run({ reader, memory, now }, config) {
    const [last] = await memory.snapshots('schema_drift', { limit: 1 });
    return judgeSchemaDrift(await readSchema(reader, config), fromSnapshot(last), now, config);
  },
};
