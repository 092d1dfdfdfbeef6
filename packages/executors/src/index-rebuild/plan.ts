import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { IndexRebuildFacts } from './facts.ts';
import type { IndexFacts } from './index-facts.ts';
import { isTooSmall, reasonToSkip } from './qualify.ts';
import type { IndexRebuildConfig } from './schema.ts';
import type { Waste } from './waste.ts';

/** Table read plus index written on a slow cloud disk: an estimate should rather be too long. */
const bytesPerSecond = 50 * 1024 * 1024;

/** The new index beside the old one, with room for what is written meanwhile. */
const copyFactor = 1.2;
/** Methods whose build sorts all entries first, on disk where they are many. */
const sortingMethods = ['btree', 'hash'];

/** What becomes of one index. */
type Verdict =
  | { readonly kind: 'rebuild'; readonly index: IndexFacts; readonly waste: Waste | null }
  | { readonly kind: 'skip'; readonly object: string; readonly reason: string }
  | { readonly kind: 'unknown'; readonly object: string; readonly reason: string; readonly grant: string | null }
  /** Small, or not bloated: looked at, and well. */
  | { readonly kind: 'fine' };

/** Facts → one REINDEX per index, the largest waste (where unmeasured: the largest index) first. Pure. */
export function planRebuilds(facts: IndexRebuildFacts, config: IndexRebuildConfig): Plan {
  const verdicts = facts.indexes.map((index) => judge(index, facts, config));
  const rebuilds = verdicts.flatMap((verdict) => (verdict.kind === 'rebuild' ? [verdict] : [])).sort(byGain);
  const { chosen, over } = facts.named ? { chosen: rebuilds, over: [] } : withinLimits(rebuilds, config);
  return {
    steps: chosen.map(({ index, waste }) => toStep(index, waste)),
    checked: facts.indexes.length,
    skipped: [
      ...verdicts.flatMap((verdict) =>
        verdict.kind === 'skip' ? [{ object: verdict.object, reason: verdict.reason }] : [],
      ),
      ...over,
    ],
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
  if (facts.named) return reason === null ? { kind: 'rebuild', index, waste: null } : { kind: 'skip', object, reason };
  if (isTooSmall(index, config)) return { kind: 'fine' };
  if (reason !== null) return { kind: 'skip', object, reason };
  if (!index.permitted) return { kind: 'unknown', object, reason: 'insufficient_privilege', grant: index.grant };
  if (config.bloat_threshold === 0) return dueUnlessRecent(index, null, facts);
  if (index.method !== 'btree') return { kind: 'skip', object, reason: `no_measure_for ${index.method}` };
  const measurement = facts.measurements.get(index.oid);
  if (measurement === undefined) return { kind: 'unknown', object, reason: 'locked', grant: null };
  if (measurement.kind === 'unmeasured') {
    return { kind: 'unknown', object, reason: measurement.reason, grant: measurement.grant };
  }
  const { waste } = measurement;
  if (waste.percent < config.bloat_threshold) return { kind: 'fine' };
  return dueUnlessRecent(index, waste, facts);
}

function dueUnlessRecent(index: IndexFacts, waste: Waste | null, { recentlyRebuilt }: IndexRebuildFacts): Verdict {
  const { quoted } = index;
  return recentlyRebuilt.has(quoted)
    ? { kind: 'skip', object: quoted, reason: 'cooling_down' }
    : { kind: 'rebuild', index, waste };
}

type Rebuild = Verdict & { kind: 'rebuild' };

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

function byGain(a: { index: IndexFacts; waste: Waste | null }, b: { index: IndexFacts; waste: Waste | null }): number {
  const gain = ({ index, waste }: { index: IndexFacts; waste: Waste | null }): number =>
    waste?.bytes ?? index.sizeBytes ?? 0;
  return gain(b) - gain(a) || (a.index.quoted < b.index.quoted ? -1 : 1);
}

function toStep(index: IndexFacts, waste: Waste | null): PlannedStep {
  const { oid, schema, name, quoted, sizeBytes, tableSizeBytes } = index;
  return {
    key: quoted,
    object: { kind: 'index', oid, schema, name },
    statements: [`REINDEX INDEX CONCURRENTLY ${quoted}`],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds:
      sizeBytes === null || tableSizeBytes === null ? null : Math.ceil((sizeBytes + tableSizeBytes) / bytesPerSecond),
    reversible: false,
    cost: { action: 'reindex', tempDiskBytes: tempDiskBytes(index), walBytes: sizeBytes },
    data: {
      table_oid: index.tableOid,
      table: index.quotedTable,
      waste_percent: waste?.percent ?? null,
      waste_bytes: waste?.bytes ?? null,
    },
  };
}

function tempDiskBytes({ sizeBytes, method }: IndexFacts): number | null {
  if (sizeBytes === null) return null;
  return Math.ceil(sizeBytes * (copyFactor + (sortingMethods.includes(method) ? 1 : 0)));
}
