import type { EffectAdvice } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { IndexRebuildFacts } from './facts.ts';
import type { IndexFacts } from './index-facts.ts';
import type { Measurement } from './measure-waste.ts';
import { planRebuilds } from './plan.ts';
import { taskType } from './schema.ts';

const mebibyte = 1024 * 1024;

function index(name: string, changes: Partial<IndexFacts> = {}): IndexFacts {
  return {
    oid: name.length * 1000 + name.charCodeAt(0),
    schema: 'public',
    name,
    quoted: `public.${name}`,
    tableOid: 7,
    quotedTable: 'public.t',
    partitioned: false,
    method: 'btree',
    valid: true,
    exclusionConstraint: false,
    exclusion: null,
    sizeBytes: 50 * mebibyte,
    tableSizeBytes: 100 * mebibyte,
    fillfactor: 90,
    invalidSiblings: [],
    permitted: true,
    grant: null,
    ...changes,
  };
}

/** `wastes`: percent by index name, or why it is not measured. */
function plan(
  indexes: readonly IndexFacts[],
  wastes: Record<string, number | string> = {},
  { config = {}, ...facts }: Partial<IndexRebuildFacts> & { config?: object } = {},
) {
  const measurements = new Map<number, Measurement>();
  for (const { name, oid, sizeBytes } of indexes) {
    const waste = wastes[name];
    if (typeof waste === 'string') {
      measurements.set(oid, { kind: 'unmeasured', reason: waste, grant: 'CREATE EXTENSION pgstattuple' });
    } else if (waste !== undefined) {
      measurements.set(oid, { kind: 'measured', waste: { percent: waste, bytes: ((sizeBytes ?? 0) * waste) / 100 } });
    }
  }
  return planRebuilds(
    {
      serverVersion: 180_004,
      indexes,
      named: false,
      measurements,
      recentlyRebuilt: new Set<string>(),
      advice: new Map<string, EffectAdvice>(),
      ...facts,
    },
    taskType.config.parse(config),
  );
}

const keys = (made: ReturnType<typeof plan>) => made.steps.map(({ key }) => key);

describe('without names', () => {
  it('rebuilds what is over the limit, the most wasted bytes first', () => {
    const made = plan([index('a', { sizeBytes: 10 * mebibyte }), index('b'), index('c'), index('d')], {
      a: 90,
      b: 40,
      c: 39.9,
      d: 60,
    });
    expect(keys(made)).toEqual(['public.d', 'public.b', 'public.a']);
    expect(made).toMatchObject({ checked: 4, skipped: [], unknown: [] });
    expect(made.steps[0]).toEqual({
      key: 'public.d',
      object: { kind: 'index', oid: expect.any(Number), schema: 'public', name: 'd' },
      statements: ['REINDEX INDEX CONCURRENTLY public.d'],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
      sizeBytes: 50 * mebibyte,
      expectedSeconds: 3,
      reversible: false,
      cost: { action: 'reindex', tempDiskBytes: Math.ceil(2.2 * 50 * mebibyte), walBytes: 50 * mebibyte },
      data: { table_oid: 7, table: 'public.t', waste_percent: 60, waste_bytes: 30 * mebibyte },
    });
  });

  it('takes no more than max_indexes, and says what waits for the next run', () => {
    const made = plan([index('a'), index('b'), index('c')], { a: 50, b: 60, c: 70 }, { config: { max_indexes: 1 } });
    expect(keys(made)).toEqual(['public.c']);
    expect(made.skipped).toEqual([
      { object: 'public.b', reason: 'over_max_indexes' },
      { object: 'public.a', reason: 'over_max_indexes' },
    ]);
  });

  it('rewrites no more than max_total_mb, and lets a smaller one have the room', () => {
    const indexes = [index('a'), index('b', { sizeBytes: 60 * mebibyte }), index('c', { sizeBytes: 10 * mebibyte })];
    const wastes = { a: 80, b: 60, c: 90 };
    const made = plan(indexes, wastes, { config: { max_total_mb: 100 } });
    expect(keys(made)).toEqual(['public.a', 'public.c']);
    expect(made.skipped).toEqual([{ object: 'public.b', reason: 'over_max_total_mb' }]);
    expect(keys(plan(indexes, wastes, { config: { max_total_mb: null } }))).toHaveLength(3);
    const named = plan(indexes, {}, { named: true, config: { indexes: ['a'], max_total_mb: 1 } });
    expect(keys(named)).toHaveLength(3);
  });

  it('leaves alone what was rebuilt lately, unless it is named', () => {
    const recentlyRebuilt = new Set(['public.a']);
    const wastes = { a: 90, b: 90 };
    for (const config of [{}, { bloat_threshold: 0 }]) {
      const made = plan([index('a'), index('b')], wastes, { recentlyRebuilt, config });
      expect(keys(made)).toEqual(['public.b']);
      expect(made.skipped).toEqual([{ object: 'public.a', reason: 'cooling_down' }]);
    }
    // Well again, it is no business of the cool-down's.
    expect(plan([index('a')], { a: 1 }, { recentlyRebuilt })).toMatchObject({ steps: [], skipped: [] });
    expect(keys(plan([index('a')], {}, { recentlyRebuilt, named: true }))).toEqual(['public.a']);
  });

  it('never takes an unmeasured index for a healthy one', () => {
    const made = plan([index('a'), index('b')], { a: 'pgstattuple_missing' });
    expect(made.steps).toEqual([]);
    expect(made.unknown).toEqual([
      { object: 'public.a', reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' },
      { object: 'public.b', reason: 'locked', grant: null },
    ]);
  });

  it('leaves small ones alone, unless they are asked for by size', () => {
    const small = index('a', { sizeBytes: mebibyte / 2 });
    expect(plan([small], { a: 90 })).toMatchObject({ steps: [], checked: 1, skipped: [], unknown: [] });
    expect(keys(plan([small], { a: 90 }, { config: { min_size_mb: 0 } }))).toEqual(['public.a']);
  });

  it('needs no measurement for a limit of 0', () => {
    const config = { bloat_threshold: 0 };
    expect(keys(plan([index('a'), index('b', { method: 'gin' })], {}, { config }))).toEqual(['public.a', 'public.b']);
  });

  it('says what it cannot judge, and what it may not rebuild', () => {
    const grant = 'GRANT MAINTAIN ON TABLE public.t TO r';
    const made = plan([index('a', { method: 'gin' }), index('b', { permitted: false, grant })]);
    expect(made.skipped).toEqual([{ object: 'public.a', reason: 'no_measure_for gin' }]);
    expect(made.unknown).toEqual([{ object: 'public.b', reason: 'insufficient_privilege', grant }]);
  });
});

describe('advice of the history', () => {
  const advise = (code: EffectAdvice['code'], changes: Partial<EffectAdvice> = {}) => ({
    advice: new Map<string, EffectAdvice>([
      [
        'public.a',
        { code, action: 'reindex', words: `do ${code}`, fillfactor: null, thresholdPercent: null, ...changes },
      ],
    ]),
  });
  const fillfactor = advise('set_fillfactor', { fillfactor: 70 });
  const indexes = [index('a'), index('b')];
  const wastes = { a: 90, b: 60 };

  it('keeps an index out that nobody named, tells what to do instead, and leaves its place to the next', () => {
    const skipped = [{ object: 'public.a', reason: 'advised_against', detail: 'do set_fillfactor' }];
    const made = plan(indexes, wastes, { ...fillfactor, config: { max_indexes: 1 } });
    expect(keys(made)).toEqual(['public.b']);
    expect(made.skipped).toEqual(skipped);
    expect(plan(indexes, {}, { ...fillfactor, config: { bloat_threshold: 0 } }).skipped).toEqual(skipped);
    expect(plan(indexes, wastes, { ...fillfactor, recentlyRebuilt: new Set(['public.a']) }).skipped).toEqual(skipped);
    expect(plan(indexes, wastes, advise('stop_rebuilding')).skipped).toHaveLength(1);
  });

  it('says nothing about an index that is well', () => {
    expect(plan([index('a')], { a: 10 }, fillfactor)).toMatchObject({ steps: [], skipped: [] });
  });

  it('ends when it was followed: with the lower fillfactor, or the higher waste', () => {
    expect(keys(plan([index('a', { fillfactor: 70 })], wastes, fillfactor))).toEqual(['public.a']);
    const higher = advise('raise_threshold', { thresholdPercent: 91 });
    expect(plan([index('a')], wastes, higher).skipped).toMatchObject([{ detail: 'do raise_threshold' }]);
    expect(keys(plan([index('a')], { a: 91 }, higher))).toEqual(['public.a']);
  });

  it('is told, and no more, where the index is named or advice is not to be heeded', () => {
    const heedless = plan([index('a')], wastes, { ...fillfactor, config: { heed_advice: false } });
    const named = plan([index('a')], {}, { ...fillfactor, named: true });
    const vain = plan([index('a')], {}, { ...advise('raise_threshold', { thresholdPercent: 91 }), named: true });
    expect([heedless, named, vain].map(({ steps }) => steps.map(({ advice }) => advice))).toEqual([
      ['do set_fillfactor'],
      ['do set_fillfactor'],
      ['do raise_threshold'],
    ]);
    expect([...heedless.skipped, ...named.skipped]).toEqual([]);
    expect(plan([index('b')], {}, { named: true }).steps[0]).not.toHaveProperty('advice');
  });
});

describe('named', () => {
  it('rebuilds all of them whatever their waste, size or number, the largest first', () => {
    const indexes = [index('a', { sizeBytes: 10 }), index('b', { method: 'gin' }), index('c', { sizeBytes: null })];
    const made = plan(indexes, {}, { named: true, config: { indexes: ['a'], max_indexes: 1 } });
    expect(keys(made)).toEqual(['public.b', 'public.a', 'public.c']);
    expect(made.steps[2]).toMatchObject({ sizeBytes: null, expectedSeconds: null, data: { waste_percent: null } });
  });

  it('keeps one without the right in the plan, to fail, and tells the cure', () => {
    const made = plan([index('a', { permitted: false, grant: 'GRANT x' })], {}, { named: true });
    expect(keys(made)).toEqual(['public.a']);
    expect(made.unknown).toEqual([{ object: 'public.a', reason: 'insufficient_privilege', grant: 'GRANT x' }]);
  });
});

describe.each([true, false])('named %s', (named) => {
  it.each<[string, Partial<IndexFacts>]>([
    ['system', { exclusion: 'system' }],
    ['toast', { exclusion: 'toast' }],
    ['temporary', { exclusion: 'temporary' }],
    ['extension', { exclusion: 'extension' }],
    ['partitioned', { partitioned: true, sizeBytes: null }],
    ['exclusion_constraint', { exclusionConstraint: true }],
    ['invalid', { valid: false }],
    ['leftover_present: a_ccnew', { invalidSiblings: ['a_ccnew', 'b_ccnew', 'other'] }],
  ])('skips %s', (reason, changes) => {
    const made = plan([index('a', changes)], { a: 99 }, { named });
    expect(made).toMatchObject({ steps: [], skipped: [{ object: 'public.a', reason }], unknown: [] });
  });

  it('refuses servers whose concurrent rebuilds lost entries', () => {
    const reasons = [140_000, 140_003, 140_004, 150_000].map(
      (serverVersion) => plan([index('a')], { a: 99 }, { named, serverVersion }).skipped[0]?.reason,
    );
    expect(reasons).toEqual(['server_14_0_to_14_3', 'server_14_0_to_14_3', undefined, undefined]);
  });
});
