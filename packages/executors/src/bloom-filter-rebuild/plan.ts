import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { type BloomWaste, bloomWaste } from './bloom-waste.ts';
import { rangesOf } from './brin-ranges.ts';
import type { BloomFilterFacts } from './facts.ts';
import type { LossyIndex } from './lossy-indexes.ts';
import type { BloomFilterRebuildConfig } from './schema.ts';

/** Table read plus index written on a slow cloud disk: an estimate should rather be too long. */
const bytesPerSecond = 50 * 1024 * 1024;
const mebibyte = 1024 * 1024;
/** 14.0 to 14.3: REINDEX CONCURRENTLY could leave index entries out. */
const corruptingVersions = { from: 140_000, to: 140_003 };

type Verdict =
  | { readonly kind: 'rebuild'; readonly index: LossyIndex; readonly waste: BloomWaste | null; readonly why: string }
  | { readonly kind: 'summarise'; readonly index: LossyIndex }
  | { readonly kind: 'skip'; readonly object: string; readonly reason: string }
  | { readonly kind: 'unknown'; readonly object: string; readonly reason: string; readonly grant: string | null }
  /** Looked at, and well. */
  | { readonly kind: 'fine' };

/** Facts → one step per index: BRIN indexes first, which cost little, then bloom indexes, the largest waste first. Pure. */
export function planBloomFilters(facts: BloomFilterFacts, config: BloomFilterRebuildConfig): Plan {
  const verdicts = facts.indexes.map((index) => judge(index, facts, config));
  const summarise = verdicts.flatMap((verdict) => (verdict.kind === 'summarise' ? [verdict] : []));
  const rebuilds = verdicts
    .flatMap((verdict) => (verdict.kind === 'rebuild' ? [verdict] : []))
    .sort((a, b) => (b.waste?.bytes ?? 0) - (a.waste?.bytes ?? 0) || (a.index.quoted < b.index.quoted ? -1 : 1));
  const chosen = facts.named ? rebuilds : rebuilds.slice(0, config.max_indexes);
  return {
    steps: [...summarise.map(({ index }) => toSummary(index, facts)), ...chosen.map((verdict) => toRebuild(verdict))],
    checked: facts.indexes.length,
    skipped: [
      ...verdicts.flatMap((verdict) =>
        verdict.kind === 'skip' ? [{ object: verdict.object, reason: verdict.reason }] : [],
      ),
      ...rebuilds.slice(chosen.length).map(({ index }) => ({ object: index.quoted, reason: 'over_max_indexes' })),
    ],
    unknown: verdicts.flatMap((verdict) => {
      if (verdict.kind === 'unknown') return [{ object: verdict.object, reason: verdict.reason, grant: verdict.grant }];
      // A named index without the right stays in the plan, to fail: the caller asked for it.
      if ((verdict.kind !== 'rebuild' && verdict.kind !== 'summarise') || verdict.index.permitted) return [];
      return [{ object: verdict.index.quoted, reason: 'insufficient_privilege', grant: verdict.index.grant }];
    }),
  };
}

function judge(index: LossyIndex, facts: BloomFilterFacts, config: BloomFilterRebuildConfig): Verdict {
  const object = index.quoted;
  const skip = (reason: string): Verdict => ({ kind: 'skip', object, reason });
  if (index.exclusion !== null) return skip(index.exclusion);
  if (index.partitioned) return skip('partitioned');
  if (index.method !== 'bloom' && index.method !== 'brin') return skip(`neither_bloom_nor_brin: ${index.method}`);
  if (!index.valid) return skip('invalid');
  if (!facts.named && !(index.method === 'bloom' ? config.bloom : config.brin)) return { kind: 'fine' };
  const verdict = index.method === 'bloom' ? judgeBloom(index, facts, config) : judgeBrin(index, facts);
  if (facts.named || index.permitted || (verdict.kind !== 'rebuild' && verdict.kind !== 'summarise')) return verdict;
  return { kind: 'unknown', object, reason: 'insufficient_privilege', grant: index.grant };
}

function judgeBrin(index: LossyIndex, facts: BloomFilterFacts): Verdict {
  const left = facts.unsummarised.get(index.oid) ?? null;
  // Where they cannot be counted, asking for their summaries costs a look at the index's map.
  return left === 0 && !facts.named ? { kind: 'fine' } : { kind: 'summarise', index };
}

function judgeBloom(index: LossyIndex, facts: BloomFilterFacts, config: BloomFilterRebuildConfig): Verdict {
  const { serverVersion, named, bytesPerRowAfterRebuild } = facts;
  const object = index.quoted;
  if (serverVersion >= corruptingVersions.from && serverVersion <= corruptingVersions.to) {
    return { kind: 'skip', object, reason: 'server_14_0_to_14_3' };
  }
  const waste = bloomWaste(index);
  if (named) return { kind: 'rebuild', index, waste, why: 'named' };
  if (index.sizeBytes === null) return { kind: 'unknown', object, reason: 'locked', grant: null };
  if (index.sizeBytes < config.min_size_mb * mebibyte) return { kind: 'fine' };
  if (waste === null) return { kind: 'unknown', object, reason: 'rows_never_counted: VACUUM the table', grant: null };
  if (waste.percent >= config.bloat_threshold) return { kind: 'rebuild', index, waste, why: 'waste' };
  const before = bytesPerRowAfterRebuild.get(object);
  const grew = before !== undefined && waste.bytesPerRow >= config.growth_factor * before;
  return grew ? { kind: 'rebuild', index, waste, why: 'growth' } : { kind: 'fine' };
}

function toRebuild({ index, waste, why }: Extract<Verdict, { kind: 'rebuild' }>): PlannedStep {
  const { oid, schema, name, quoted, sizeBytes, tableBlocks, blockBytes } = index;
  return {
    key: quoted,
    object: { kind: 'index', oid, schema, name },
    statements: [`REINDEX INDEX CONCURRENTLY ${quoted}`],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds:
      sizeBytes === null || tableBlocks === null
        ? null
        : Math.ceil((sizeBytes + tableBlocks * blockBytes) / bytesPerSecond),
    reversible: false,
    cost: { action: 'reindex', tempDiskBytes: sizeBytes, walBytes: sizeBytes },
    data: {
      table_oid: index.tableOid,
      table: index.quotedTable,
      reason: why,
      waste_percent: waste?.percent ?? null,
      waste_bytes: waste?.bytes ?? null,
      rows: index.rows,
    },
  };
}

/** `literal` is quoted by the server. */
export const summariseNew = (literal: string): string =>
  `SELECT pg_catalog.brin_summarize_new_values(${literal}::regclass) AS ranges`;
const desummarise = (literal: string, block: number): string =>
  `SELECT pg_catalog.brin_desummarize_range(${literal}::regclass, ${block})`;
const summarise = (literal: string, block: number): string =>
  `SELECT pg_catalog.brin_summarize_range(${literal}::regclass, ${block}) AS ranges`;

function toSummary(index: LossyIndex, facts: BloomFilterFacts): PlannedStep {
  const { oid, schema, name, quoted, literal, sizeBytes, tableBlocks, blockBytes } = index;
  const anew = facts.anew.get(oid) ?? [];
  const left = facts.unsummarised.get(oid) ?? null;
  const ranges = rangesOf(index);
  const toRead = left === null ? null : left + anew.length;
  return {
    key: quoted,
    object: { kind: 'index', oid, schema, name },
    statements: [
      ...anew.flatMap((block) => [desummarise(literal, block), summarise(literal, block)]),
      summariseNew(literal),
    ],
    lockMode: 'SHARE UPDATE EXCLUSIVE',
    sizeBytes,
    expectedSeconds:
      toRead === null || ranges === null || tableBlocks === null || ranges === 0
        ? null
        : Math.ceil((tableBlocks * blockBytes * (toRead / ranges)) / bytesPerSecond),
    reversible: false,
    cost: { action: 'custom', tempDiskBytes: 0, walBytes: null },
    data: {
      table_oid: index.tableOid,
      table: index.quotedTable,
      reason: facts.named ? 'named' : 'unsummarised',
      unsummarised_ranges: left,
      ranges,
      ranges_anew: anew.length,
    },
  };
}
