import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import type { CacheWarmFacts } from './facts.ts';
import { budgetBytes, chunksOf, planCacheWarm } from './plan.ts';
import type { WarmRelation } from './relations.ts';
import { type CacheWarmConfig, taskType } from './schema.ts';

const mebibyte = 1024 * 1024;

function relation(name: string, facts: Partial<WarmRelation> = {}): WarmRelation {
  const oid = facts.oid ?? 16_384 + name.charCodeAt(0);
  return {
    oid,
    kind: 'table',
    schema: 'public',
    name,
    quoted: `public.${name}`,
    literal: `'public.${name}'`,
    tableOid: oid,
    filenode: oid,
    blocks: 128,
    reads: 12_800,
    permitted: true,
    grant: null,
    ...facts,
  };
}

function plan(
  relations: readonly WarmRelation[],
  config: Partial<CacheWarmConfig> = {},
  facts: Partial<CacheWarmFacts> = {},
) {
  return planCacheWarm(
    {
      database: 'shop',
      named: false,
      prewarm: { kind: 'usable', schema: 'tools' },
      sharedBuffersBytes: 32 * mebibyte,
      blockBytes: 8192,
      relations,
      cacheIsVisible: false,
      cached: new Map(),
      readsWhenWarmed: new Map(),
      ...facts,
    },
    taskType.config.parse(config),
  );
}

describe('the plan of warming the cache', () => {
  it('loads what is read most for its size, indexes before their tables when both are as hot', () => {
    const made = plan([
      relation('heap', { reads: 1280 }),
      relation('index', { reads: 1280, kind: 'index' }),
      relation('large', { reads: 1200, blocks: 600 }),
      relation('hot', { reads: 12_800 }),
      relation('cold', { reads: 100 }),
    ]);
    expect(made.steps.map(({ object }) => object.name)).toEqual(['hot', 'index', 'heap', 'large']);
    expect(made.steps[0]).toMatchObject({
      lockMode: 'ACCESS SHARE',
      sizeBytes: mebibyte,
      cost: { action: 'cache_warm', tempDiskBytes: 0, walBytes: 0 },
    });
    expect(made).toMatchObject({ checked: 5, skipped: [], unknown: [] });
  });

  it('never loads more than it may: a quarter of shared_buffers, or what is asked for up to all of them', () => {
    expect(budgetBytes({ sharedBuffersBytes: 400 }, { max_mb: null })).toBe(100);
    expect(budgetBytes({ sharedBuffersBytes: 32 * mebibyte }, { max_mb: 1000 })).toBe(32 * mebibyte);
    const made = plan([relation('a', { blocks: 1000 }), relation('b', { blocks: 100 }), relation('c', { blocks: 10 })]);
    // 8 MiB are 1 024 blocks: what does not fit leaves its place to the next that does.
    expect(made.steps.map(({ object }) => object.name)).toEqual(['c', 'b']);
    expect(made.skipped).toEqual([{ object: 'public.a', reason: 'over_max_mb' }]);
    expect(plan([relation('a'), relation('b')], { max_relations: 1 }).skipped).toEqual([
      { object: 'public.b', reason: 'over_max_relations' },
    ]);
  });

  it('says what it does without the extension, and where nothing was counted', () => {
    const prewarm = { kind: 'unusable', reason: 'pg_prewarm_missing', grant: 'CREATE EXTENSION pg_prewarm' } as const;
    expect(plan([relation('a')], {}, { prewarm })).toMatchObject({
      steps: [],
      checked: 0,
      unknown: [{ object: 'shop', reason: 'pg_prewarm_missing', grant: 'CREATE EXTENSION pg_prewarm' }],
    });
    expect(plan([relation('a', { reads: 0 })])).toMatchObject({ steps: [], unknown: [{ reason: 'no_reads_counted' }] });
    expect(plan([relation('a', { reads: 0 })], {}, { named: true })).toMatchObject({ steps: [{}], unknown: [] });
  });

  it('leaves alone what is cached, what nobody read since it was loaded, and what is locked', () => {
    const cached = { cacheIsVisible: true, cached: new Map([[1, 120]]) };
    expect(plan([relation('a', { filenode: 1 })], {}, cached).skipped).toEqual([
      { object: 'public.a', reason: 'already_cached' },
    ]);
    expect(plan([relation('a', { filenode: 2 })], {}, cached).steps).toMatchObject([{ data: { cached_blocks: 0 } }]);
    const readsWhenWarmed = new Map([['public.a', 12_800]]);
    expect(plan([relation('a')], {}, { readsWhenWarmed }).skipped).toEqual([
      { object: 'public.a', reason: 'unread_since_warmed' },
    ]);
    expect(plan([relation('a', { reads: 12_801 })], {}, { readsWhenWarmed }).steps).toHaveLength(1);
    expect(plan([relation('a', { blocks: null })]).unknown).toMatchObject([{ reason: 'locked' }]);
  });

  it('does not attempt what the role may not do, unless it was asked for by name', () => {
    const closed = relation('a', { permitted: false, grant: 'GRANT …' });
    const unknown = [{ object: 'public.a', reason: 'insufficient_privilege', grant: 'GRANT …' }];
    expect(plan([closed])).toMatchObject({ steps: [], unknown });
    expect(plan([closed], {}, { named: true })).toMatchObject({ steps: [{ key: 'public.a' }], unknown });
  });

  it('cuts a relation into chunks that have every block once', () => {
    expect(chunksOf(0, 10)).toEqual([]);
    expect(chunksOf(25, 10)).toEqual([
      { first: 0, last: 9 },
      { first: 10, last: 19 },
      { first: 20, last: 24 },
    ]);
    expect(chunksOf(20, 10).at(-1)).toEqual({ first: 10, last: 19 });
  });

  it('sends statements that are one SELECT each, of one function with a literal', async () => {
    const literal = `'public."we''ird""; --"'`;
    const [step] = plan([relation('x', { literal, blocks: 256 })], { chunk_mb: 1 }).steps;
    expect(step?.statements).toHaveLength(2);
    for (const statement of step?.statements ?? []) {
      const { stmts = [] } = await parse(statement);
      expect(stmts).toHaveLength(1);
      const text = JSON.stringify(stmts[0]?.stmt);
      expect(text).toContain(`"pg_prewarm"`);
      expect(text).toContain(JSON.stringify(`public."we'ird""; --"`).slice(1, -1));
      expect(text).not.toContain('RangeVar');
    }
  });
});
