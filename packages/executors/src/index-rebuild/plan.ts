import type { Plan } from '@slacktide/application/ports';
import { advisesAgainstRebuild } from '@slacktide/domain';
import { advisedAgainst } from '../rebuild-advice.ts';
import type { IndexRebuildFacts } from './facts.ts';
import type { IndexFacts } from './index-facts.ts';
import { isTooSmall, reasonToSkip } from './qualify.ts';
import type { IndexRebuildConfig } from './schema.ts';
import { type Rebuild, toStep } from './step.ts';
import type { Waste } from './waste.ts';

/** What becomes of one index. */
type Verdict =
  | (Rebuild & { readonly kind: 'rebuild' })
  | { readonly kind: 'skip'; readonly skipped: Plan['skipped'][number] }
  | { readonly kind: 'unknown'; readonly object: string; readonly reason: string; readonly grant: string | null }
  /** Small, or not bloated: looked at, and well. */
  | { readonly kind: 'fine' };

/** Facts → one REINDEX per index, the largest waste (where unmeasured: the largest index) first. Pure. */
export function planRebuilds(facts: IndexRebuildFacts, config: IndexRebuildConfig): Plan {
  const verdicts = facts.indexes.map((index) => judge(index, facts, config));
  const rebuilds = verdicts.flatMap((verdict) => (verdict.kind === 'rebuild' ? [verdict] : [])).sort(byGain);
  const { chosen, over } = facts.named ? { chosen: rebuilds, over: [] } : withinLimits(rebuilds, config);
  return {
    steps: chosen.map(toStep),
    checked: facts.indexes.length,
    skipped: [...verdicts.flatMap((verdict) => (verdict.kind === 'skip' ? [verdict.skipped] : [])), ...over],
    unknown: verdicts.flatMap((verdict) => {
      if (verdict.kind === 'unknown') return [{ object: verdict.object, reason: verdict.reason, grant: verdict.grant }];
      // A named index without the right stays in the plan, to fail: the caller asked for it.
      if (verdict.kind !== 'rebuild' || verdict.index.permitted) return [];
      return [{ object: verdict.index.quoted, reason: 'insufficient_privilege', grant: verdict.index.grant }];
    }),
  };
}

function judge(index: IndexFacts, facts: IndexRebuildFacts, config: IndexRebuildConfig): Verdict {
  const object = index.quoted;
  const reason = reasonToSkip(index, facts.serverVersion);
  if (facts.named && reason === null) return toRebuild(index, null, facts);
  if (!facts.named && isTooSmall(index, config)) return { kind: 'fine' };
  if (reason !== null) return skip({ object, reason });
  if (!index.permitted) return { kind: 'unknown', object, reason: 'insufficient_privilege', grant: index.grant };
  if (config.bloat_threshold === 0) return worthIt(index, null, facts, config);
  if (index.method !== 'btree') return skip({ object, reason: `no_measure_for ${index.method}` });
  const measurement = facts.measurements.get(index.oid);
  if (measurement === undefined) return { kind: 'unknown', object, reason: 'locked', grant: null };
  if (measurement.kind === 'unmeasured') {
    return { kind: 'unknown', object, reason: measurement.reason, grant: measurement.grant };
  }
  const { waste } = measurement;
  if (waste.percent < config.bloat_threshold) return { kind: 'fine' };
  return worthIt(index, waste, facts, config);
}

/** It is due; whether a rebuild would last is another question. */
function worthIt(
  index: IndexFacts,
  waste: Waste | null,
  facts: IndexRebuildFacts,
  { heed_advice }: IndexRebuildConfig,
): Verdict {
  const { quoted: object } = index;
  const rebuild = toRebuild(index, waste, facts);
  // Before the cool-down, which only says when: what is advised is the cure.
  if (heed_advice && rebuild.advice !== null) return skip({ object, reason: advisedAgainst, detail: rebuild.advice });
  return facts.recentlyRebuilt.has(object) ? skip({ object, reason: 'cooling_down' }) : rebuild;
}

function toRebuild(index: IndexFacts, waste: Waste | null, facts: IndexRebuildFacts): Verdict & { kind: 'rebuild' } {
  const advice = facts.advice.get(index.quoted);
  const wastePercent = waste?.percent ?? null;
  if (advice === undefined) return { kind: 'rebuild', index, waste, advice: null };
  // What is named is not measured: whoever named it is told that the last times were in vain.
  const isAgainst =
    advisesAgainstRebuild(advice, { ...index, wastePercent }) || (facts.named && advice.code === 'raise_threshold');
  return { kind: 'rebuild', index, waste, advice: isAgainst ? advice.words : null };
}

function skip(skipped: Plan['skipped'][number]): Verdict {
  return { kind: 'skip', skipped };
}

/** As many as one run may take on. A smaller one takes the place of what does not fit; a size that is unknown counts for nothing. */
function withinLimits(
  rebuilds: readonly Rebuild[],
  { max_indexes, max_total_mb }: IndexRebuildConfig,
): { readonly chosen: readonly Rebuild[]; readonly over: Plan['skipped'] } {
  const chosen: Rebuild[] = [];
  const over: { object: string; reason: string }[] = [];
  let roomBytes = max_total_mb === null ? Number.POSITIVE_INFINITY : max_total_mb * 1024 * 1024;
  for (const rebuild of rebuilds) {
    const { quoted, sizeBytes } = rebuild.index;
    const fits = (sizeBytes ?? 0) <= roomBytes;
    if (chosen.length < max_indexes && fits) {
      chosen.push(rebuild);
      roomBytes -= sizeBytes ?? 0;
    } else over.push({ object: quoted, reason: fits ? 'over_max_indexes' : 'over_max_total_mb' });
  }
  return { chosen, over };
}

function byGain(a: Rebuild, b: Rebuild): number {
  const gain = ({ index, waste }: Rebuild): number => waste?.bytes ?? index.sizeBytes ?? 0;
  return gain(b) - gain(a) || (a.index.quoted < b.index.quoted ? -1 : 1);
}
