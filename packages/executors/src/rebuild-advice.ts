import { advisingEffects, type TargetMemory, toLasting } from '@slacktide/application/ports';
import { adviseFromEffects, advisesAgainstRebuild, type EffectAdvice, type FoundFinding } from '@slacktide/domain';

/** Why an index is left alone whose history speaks against its rebuild. */
export const advisedAgainst = 'advised_against';

/** Of a B-tree, in percent. */
const defaultFillfactor = 90;

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

/** Whether `advice` about an index speaks against a rebuild for this finding of `index_bloat`; undefined = its history says nothing. */
export function speaksAgainst(advice: EffectAdvice | undefined, { evidence }: Pick<FoundFinding, 'evidence'>): boolean {
  const { fillfactor, waste_percent: waste } = evidence;
  if (advice === undefined) return false;
  return advisesAgainstRebuild(advice, {
    fillfactor: typeof fillfactor === 'number' ? fillfactor : defaultFillfactor,
    wastePercent: typeof waste === 'number' ? waste : null,
  });
}
