import type { TargetMemory } from '@slacktide/application/ports';

const dayMs = 86_400_000;
/** The ledger gives no more at once; so many rebuilds of one target within the time are not to be expected. */
const mostEffects = 1_000;

/** `schema.name`, quoted, of the indexes that were rebuilt in the last `days`, by whatever task. */
export async function readRecentRebuilds(
  memory: Pick<TargetMemory, 'now' | 'effects'>,
  days: number,
): Promise<ReadonlySet<string>> {
  if (days === 0) return new Set();
  const sinceMs = (await memory.now()).getTime() - days * dayMs;
  const effects = await memory.effects({ action: 'reindex', limit: mostEffects });
  return new Set(effects.filter(({ at }) => at.getTime() >= sinceMs).map(({ object }) => object));
}
