import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { CacheWarmFacts } from './facts.ts';
import type { WarmRelation } from './relations.ts';
import type { CacheWarmConfig } from './schema.ts';

const mebibyte = 1024 * 1024;
/** A slow cloud disk, with others at work: an estimate should rather be too long. */
const bytesPerSecond = 50 * mebibyte;

/**
 * Facts → one step per relation: the named ones, or those read most often for their size, as long as they fit the budget; with equal heat indexes first,
 * since every read of a row goes through one. Pure.
 */
export function planCacheWarm(facts: CacheWarmFacts, config: CacheWarmConfig): Plan {
  const { prewarm, relations, database } = facts;
  const skipped: { object: string; reason: string }[] = [];
  const unknown: { object: string; reason: string; grant: string | null }[] = [];
  if (prewarm.kind === 'unusable') {
    unknown.push({ object: database, reason: prewarm.reason, grant: prewarm.grant });
    return { steps: [], checked: 0, skipped, unknown };
  }
  if (!facts.named && relations.length > 0 && relations.every(({ reads }) => reads === 0)) {
    // Reset, or lost in a crash: what the working set was is not known.
    unknown.push({ object: database, reason: 'no_reads_counted', grant: null });
  }
  const steps: PlannedStep[] = [];
  let leftBytes = budgetBytes(facts, config);
  for (const relation of relations.toSorted((a, b) => byHeat(a, b))) {
    const object = relation.quoted;
    const verdict = judge(relation, facts, config);
    if (verdict === 'cold') continue;
    if (verdict === 'locked') {
      unknown.push({ object, reason: verdict, grant: null });
      continue;
    }
    if (verdict !== 'load') {
      skipped.push({ object, reason: verdict });
      continue;
    }
    if (!relation.permitted) unknown.push({ object, reason: 'insufficient_privilege', grant: relation.grant });
    // A named one without the right stays in the plan, to fail: the caller asked for it.
    if (!relation.permitted && !facts.named) continue;
    const bytes = (relation.blocks ?? 0) * facts.blockBytes;
    if (bytes > leftBytes) skipped.push({ object, reason: 'over_max_mb' });
    else if (steps.length === config.max_relations) skipped.push({ object, reason: 'over_max_relations' });
    else {
      steps.push(toStep(relation, bytes, facts, config, prewarm.schema));
      leftBytes -= bytes;
    }
  }
  return { steps, checked: relations.length, skipped, unknown };
}

/** What is loaded beyond shared_buffers pushes out what was loaded before. */
export function budgetBytes(
  { sharedBuffersBytes }: Pick<CacheWarmFacts, 'sharedBuffersBytes'>,
  { max_mb }: Pick<CacheWarmConfig, 'max_mb'>,
): number {
  return max_mb === null ? sharedBuffersBytes / 4 : Math.min(max_mb * mebibyte, sharedBuffersBytes);
}

function judge(
  relation: WarmRelation,
  facts: CacheWarmFacts,
  config: CacheWarmConfig,
): 'load' | 'cold' | 'locked' | 'already_cached' | 'unread_since_warmed' {
  const { blocks, filenode } = relation;
  if (blocks === null) return 'locked';
  if (blocks === 0) return 'cold';
  if (!facts.named && heat(relation) < config.min_reads_per_block) return 'cold';
  // Counters that were reset since are smaller, and tell nothing.
  if (!facts.named && facts.readsWhenWarmed.get(relation.quoted) === relation.reads) return 'unread_since_warmed';
  if (!facts.cacheIsVisible) return 'load';
  const cachedPercent = (100 * (facts.cached.get(filenode) ?? 0)) / blocks;
  return cachedPercent >= config.cached_percent ? 'already_cached' : 'load';
}

/** How often one of its blocks was read, on average: what caching it saves for each byte it takes. */
function heat({ reads, blocks }: WarmRelation): number {
  return reads / Math.max(1, blocks ?? 1);
}

function byHeat(a: WarmRelation, b: WarmRelation): number {
  const last = ({ kind }: WarmRelation): number => (kind === 'index' ? 0 : 1);
  return heat(b) - heat(a) || last(a) - last(b) || (a.quoted < b.quoted ? -1 : 1);
}

/** A range of blocks, both ends included. */
export interface Chunk {
  readonly first: number;
  readonly last: number;
}

export function chunksOf(blocks: number, chunkBlocks: number): readonly Chunk[] {
  return Array.from({ length: Math.ceil(blocks / chunkBlocks) }, (_, position) => ({
    first: position * chunkBlocks,
    last: Math.min(blocks, (position + 1) * chunkBlocks) - 1,
  }));
}

/** `schema` and `literal` are quoted by the server. */
export function prewarmStatement(schema: string, literal: string, { first, last }: Chunk): string {
  return `SELECT ${schema}.pg_prewarm(${literal}::regclass, 'buffer', 'main', ${first}, ${last}) AS blocks`;
}

function toStep(
  relation: WarmRelation,
  bytes: number,
  { blockBytes, cached, cacheIsVisible }: CacheWarmFacts,
  { chunk_mb }: CacheWarmConfig,
  schema: string,
): PlannedStep {
  const { oid, kind, name, quoted, literal, blocks, reads, filenode } = relation;
  const chunkBlocks = Math.max(1, Math.floor((chunk_mb * mebibyte) / blockBytes));
  return {
    key: quoted,
    object: { kind, oid, schema: relation.schema, name },
    statements: chunksOf(blocks ?? 0, chunkBlocks).map((chunk) => prewarmStatement(schema, literal, chunk)),
    lockMode: 'ACCESS SHARE',
    sizeBytes: bytes,
    expectedSeconds: Math.ceil(bytes / bytesPerSecond),
    reversible: false,
    cost: { action: 'cache_warm', tempDiskBytes: 0, walBytes: 0 },
    data: {
      table_oid: relation.tableOid,
      prewarm_schema: schema,
      chunk_blocks: chunkBlocks,
      block_bytes: blockBytes,
      blocks,
      reads,
      cached_blocks: cacheIsVisible ? (cached.get(filenode) ?? 0) : null,
    },
  };
}
