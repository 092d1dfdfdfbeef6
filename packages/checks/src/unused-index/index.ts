import { readIndexDefinitions } from '../catalogue/index-definitions.ts';
import type { Check, Look } from '../check.ts';
import type { Use } from './evidence.ts';
import { judgeUnusedIndexes } from './judge.ts';
import { readCounting, readForeignKeys, readStandbyCounters } from './read.ts';
import { checkType, type UnusedIndexConfig } from './schema.ts';

export const unusedIndex: Check<UnusedIndexConfig> = {
  type: checkType,
  async run(look, config) {
    const { reader, standbys } = look;
    const indexes = await readIndexDefinitions(reader);
    const foreignKeys = await readForeignKeys(reader);
    const counting = await readCounting(reader);
    const nodes = ['primary', ...standbys.map(({ name }) => name)];
    const use = await readUse(look, config.days_unused);
    return judgeUnusedIndexes({ indexes, foreignKeys, ...counting, use, nodes }, config);
  },
};

async function readUse({ memory, standbys, now }: Look, days: number): Promise<Use> {
  if (days > 0) return { kind: 'samples', days, now, usage: await memory.usage(days) };
  const read = standbys.map(async (standby) => [standby.name, await readStandbyCounters(standby)] as const);
  return { kind: 'counters', standbys: new Map(await Promise.all(read)) };
}
