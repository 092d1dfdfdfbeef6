/** What one piece of act work did to an object, and how that lasted. Null = not known. */
export interface LastingEffect {
  /** As the history of effects calls it, e.g. `reindex`. */
  readonly action: string;
  readonly at: Date;
  readonly sizeBeforeBytes: number | null;
  readonly sizeAfterBytes: number | null;
  /** What was measured before the work. */
  readonly wasteBeforePercent: number | null;
  /** The latest measured waste since, until the next such work. */
  readonly wasteSincePercent: number | null;
  /** When measured waste had first reached again what the object was worked on for; null = it did not, as far as is known. */
  readonly wasteBackAt: Date | null;
  /** Of the index when it was rebuilt. */
  readonly fillfactor: number | null;
}

export const effectAdviceCodes = ['raise_threshold', 'set_fillfactor', 'stop_rebuilding', 'tune_autovacuum'] as const;

/** What the history of an object says should be changed. */
export interface EffectAdvice {
  readonly code: (typeof effectAdviceCodes)[number];
  readonly action: string;
  /** For a person. */
  readonly words: string;
  /** The fillfactor to set; null = that is not what is advised. */
  readonly fillfactor: number | null;
  /** The percent of waste from which it is worth working on; null = that is not what is advised, or what it was worked on for is not known. */
  readonly thresholdPercent: number | null;
}

/** Whoever shrinks an object does it for good, or finds out that it was in vain; plain VACUUM is not meant to shrink. */
const shrinking = ['reindex', 'vacuum_full', 'repack'];
const soonDays = 14;
const leastShare = 0.05;
const spaciousFillfactor = 70;
const dayMs = 86_400_000;
const plain = { fillfactor: null, thresholdPercent: null };

/**
 * Advice about one object from its effects, in any order:
 *
 *   the two latest that are known to have freed something or not freed less than 5 % each   → raise the threshold
 *   the two latest of which it is known how they lasted had their waste back within 14 days → an index: stop rebuilding it, set fillfactor 70
 *                                                                                             a table: have autovacuum come sooner
 *
 * How a piece of work lasted is known once its waste is back, or was measured when 14 days were over. Null = nothing to advise, also of what was dropped.
 */
export function adviseFromEffects(effects: readonly LastingEffect[], now: Date): EffectAdvice | null {
  const all = effects.toSorted((a, b) => b.at.getTime() - a.at.getTime());
  if (all[0]?.action === 'drop_index') return null;
  const newestFirst = all.filter(({ action }) => shrinking.includes(action));
  for (const action of new Set(newestFirst.map((effect) => effect.action))) {
    const ofAction = newestFirst.filter((effect) => effect.action === action);
    const advice = inVain(action, ofAction) ?? backSoon(action, ofAction, now);
    if (advice !== null) return advice;
  }
  return null;
}

function inVain(action: string, effects: readonly LastingEffect[]): EffectAdvice | null {
  const freed = effects.flatMap(({ sizeBeforeBytes: before, sizeAfterBytes: after, wasteBeforePercent: waste }) =>
    before === null || after === null || before <= 0 ? [] : [{ share: (before - after) / before, waste }],
  );
  const [latest, previous] = freed;
  if (latest === undefined || previous === undefined) return null;
  if (latest.share >= leastShare || previous.share >= leastShare) return null;
  const advice = { code: 'raise_threshold', action, fillfactor: null } as const;
  const found = 'The last two times freed less than 5 % of it';
  if (latest.waste === null || previous.waste === null) {
    return { ...advice, words: `${found}: raise the threshold from which it is worked on.`, thresholdPercent: null };
  }
  // Waste that a rewrite did not free is none of this object, whatever was measured; more than that has to be worth it.
  const idleWaste = Math.max(latest.waste, previous.waste);
  const thresholdPercent = Math.min(100, Math.ceil(idleWaste + 100 * leastShare));
  const words = `${found}, at ${idleWaste} % of waste: raise the threshold from which it is worked on to ${thresholdPercent} %.`;
  return { ...advice, words, thresholdPercent };
}

function backSoon(action: string, effects: readonly LastingEffect[], now: Date): EffectAdvice | null {
  const known = effects.flatMap((effect): { days: number | null; fillfactor: number | null }[] => {
    const { at, wasteBackAt, wasteSincePercent, fillfactor } = effect;
    if (wasteBackAt !== null) return [{ days: (wasteBackAt.getTime() - at.getTime()) / dayMs, fillfactor }];
    const isSettled = wasteSincePercent !== null && now.getTime() - at.getTime() >= soonDays * dayMs;
    return isSettled ? [{ days: null, fillfactor }] : [];
  });
  const [latest, previous] = known;
  if (latest === undefined || previous === undefined) return null;
  if (latest.days === null || latest.days > soonDays || previous.days === null || previous.days > soonDays) return null;
  const found = `The last two times its waste was back within ${Math.ceil(Math.max(latest.days, previous.days, 1))} days`;
  if (action !== 'reindex') {
    const words = `${found}: have autovacuum come sooner (autovacuum_vacuum_scale_factor of the table) instead of rewriting it.`;
    return { ...plain, code: 'tune_autovacuum', action, words };
  }
  if (latest.fillfactor !== null && latest.fillfactor <= spaciousFillfactor) {
    const words = `${found}, with fillfactor ${latest.fillfactor}: it settles at this size, stop rebuilding it.`;
    return { ...plain, code: 'stop_rebuilding', action, words };
  }
  return {
    ...plain,
    code: 'set_fillfactor',
    action,
    words: `${found}: stop rebuilding it, set fillfactor ${spaciousFillfactor}.`,
    fillfactor: spaciousFillfactor,
  };
}
