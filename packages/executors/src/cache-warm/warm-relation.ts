import { type PlannedStep, type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import { readBuffercache, readCachedBlocks } from './extensions.ts';
import { chunksOf, prewarmStatement } from './plan.ts';
import { readWarmRelation, type WarmRelation } from './relations.ts';
import type { CacheWarmConfig } from './schema.ts';

/** One relation, chunk by chunk: each is a short statement, so that a cancel is quick and the load is looked at in between. */
export async function warmRelation(step: PlannedStep, run: StepRun<CacheWarmConfig>): Promise<StepOutcome> {
  const { oid } = step.object;
  if (oid === null) throw new Error(`expected a relation in ${step.key}`);
  const now = await readWarmRelation(run.observer, oid);
  if (now === undefined || now.quoted !== step.key) return { kind: 'skipped', reason: 'relation_gone' };
  if (!now.permitted) return notPermitted(step, now.grant);
  if (now.blocks === null) return { kind: 'skipped', reason: 'locked' };
  const startedAtMs = performance.now();
  const cachedBefore = await cachedBlocks(run, now);
  const loaded = await load(step, run, now);
  const durationMs = Math.round(performance.now() - startedAtMs);
  const cachedAfter = await cachedBlocks(run, now);
  const percent = (blocks: number | null): number | null =>
    blocks === null ? null : Math.round((1000 * blocks) / Math.max(1, now.blocks ?? 1)) / 10;
  const result = {
    blocks: now.blocks,
    blocks_loaded: loaded.blocks,
    bytes_loaded: loaded.blocks * Number(step.data['block_bytes']),
    cached_percent_before: percent(cachedBefore),
    cached_percent_after: percent(cachedAfter),
    verified_by: cachedAfter === null ? 'pg_prewarm' : 'pg_buffercache',
    duration_ms: durationMs,
  };
  if (loaded.blocks > 0) {
    await run.effect({
      action: 'cache_warm',
      object: step.key,
      objectKind: now.kind,
      durationMs,
      sizeBeforeBytes: step.sizeBytes,
      sizeAfterBytes: step.sizeBytes,
      wasteBeforePercent: null,
      wasteAfterPercent: null,
      // Our own reads are counted as anybody's.
      detail: { ...result, reads_after: now.reads + loaded.blocks },
    });
  }
  if (loaded.end !== 'whole') return { kind: 'skipped', reason: loaded.end, result };
  // Others may have pushed some of it out again already, but not all.
  if (cachedAfter === 0) return notVerified(step, loaded.blocks);
  return { kind: 'done', result };
}

interface Loaded {
  readonly blocks: number;
  readonly end: 'whole' | 'load' | 'locked' | 'relation_gone';
}

/** As planned, unless the relation became shorter meanwhile: blocks that are not there are an error to pg_prewarm. */
async function load(step: PlannedStep, run: StepRun<CacheWarmConfig>, relation: WarmRelation): Promise<Loaded> {
  const { prewarm_schema, chunk_blocks, blocks: planned } = step.data;
  const total = Math.min(relation.blocks ?? 0, Number(planned));
  const chunks = chunksOf(total, Number(chunk_blocks));
  let blocks = 0;
  for (const [position, chunk] of chunks.entries()) {
    run.signal.throwIfAborted();
    if (position > 0 && (await run.breathe()) === 'overloaded') return { blocks, end: 'load' };
    run.progress({ phase: 'loading', percent: Math.floor((100 * chunk.first) / total), etaSeconds: null });
    const text = prewarmStatement(String(prewarm_schema), relation.literal, chunk);
    try {
      const [row] = await run.session.query<{ blocks: string }>(text);
      blocks += Number(row?.blocks ?? 0);
    } catch (error) {
      if (!(error instanceof TargetError)) throw error;
      if (error.code === 'lock_timeout') return { blocks, end: 'locked' };
      if (error.code !== 'statement_failed') throw error;
      const now = await readWarmRelation(run.observer, relation.oid);
      if (now === undefined || now.quoted !== step.key) return { blocks, end: 'relation_gone' };
      // Truncated since we looked: what is left was loaded, or is not worth it any more.
      if ((now.blocks ?? 0) <= chunk.last) return { blocks, end: 'whole' };
      throw error;
    }
  }
  return { blocks, end: 'whole' };
}

/** Null = not to be seen. */
async function cachedBlocks(
  { observer }: StepRun<CacheWarmConfig>,
  { filenode }: WarmRelation,
): Promise<number | null> {
  const buffercache = await readBuffercache(observer);
  if (buffercache.kind === 'unusable') return null;
  return (await readCachedBlocks(observer, buffercache, [filenode])).get(filenode) ?? 0;
}

function notPermitted(step: PlannedStep, grant: string | null): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not read ${step.key}; cure: ${grant}`,
      detail: { grant },
    },
  };
}

function notVerified(step: PlannedStep, blocks: number): StepOutcome {
  return {
    kind: 'failed',
    error: {
      code: 'not_verified',
      message: `pg_prewarm says that it loaded ${blocks} blocks of ${step.key}, but none of them is in the cache`,
    },
  };
}
