import { advisingEffects, type TargetMemory, toLasting } from '@slacktide/application/ports';
import { adviseFromEffects, type EffectAdvice } from '@slacktide/domain';

/** Why an index is left alone whose history speaks against its rebuild. */
export const advisedAgainst = 'advised_against';

/** What their own history advises about these indexes (`schema.name`, quoted by the server); those about which it says nothing are left out. */
export async function readRebuildAdvice(
  memory: Pick<TargetMemory, 'now' | 'lasted'>,
  indexes: readonly string[],
): Promise<ReadonlyMap<string, EffectAdvice>> {
  if (indexes.length === 0) return new Map();
  const [lasted, now] = await Promise.all([memory.lasted(indexes, advisingEffects), memory.now()]);
  const byIndex = Map.groupBy(lasted, ({ effect }) => effect.object);
  return new Map(
    [...byIndex].flatMap(([index, effects]) => {
      const advice = adviseFromEffects(effects.map(toLasting), now);
      return advice === null ? [] : [[index, advice] as const];
    }),
  );
}
