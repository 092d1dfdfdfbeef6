import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import { bloomWaste } from './bloom-waste.ts';
import type { BloomFilterFacts } from './facts.ts';
import type { LossyIndex } from './lossy-indexes.ts';
import { planBloomFilters } from './plan.ts';
import { type BloomFilterRebuildConfig, taskType } from './schema.ts';

const mebibyte = 1024 * 1024;

function index(name: string, facts: Partial<LossyIndex> = {}): LossyIndex {
  return {
    oid: 16_384,
    schema: 'public',
    name,
    quoted: `public.${name}`,
    literal: `'public.${name}'`,
    tableOid: 16_000,
    quotedTable: 'public.t',
    partitioned: false,
    method: 'bloom',
    valid: true,
    exclusion: null,
    definition: '',
    fileNode: 1,
    sizeBytes: 8 * mebibyte,
    tableBlocks: 10_000,
    blockBytes: 8192,
    // 510 entries a page.
    rows: 510 * 1000,
    options: null,
    permitted: true,
    grant: null,
    ...facts,
  };
}

function plan(
  indexes: readonly LossyIndex[],
  config: Partial<BloomFilterRebuildConfig> = {},
  facts: Partial<BloomFilterFacts> = {},
) {
  const nothing = { unsummarised: new Map(), anew: new Map(), bytesPerRowAfterRebuild: new Map() };
  return planBloomFilters(
    { serverVersion: 180_004, named: false, indexes, ...nothing, ...facts },
    taskType.config.parse(config),
  );
}

describe('the waste of a bloom index', () => {
  const pages = (count: number) => ({ sizeBytes: count * 8192 });
  it.each([
    ['nothing when every page is full', {}, pages(1001), 0],
    ['the pages its rows do not need', {}, pages(2001), 50],
    ['by its own length of signature', { options: { length: '1024' } }, pages(8501), 0],
    ['nothing of an index that has a page', { rows: 0 }, pages(2), 0],
    ['all but a page when the rows are gone', { rows: 0 }, pages(100), 98],
  ])('is %s', (_, facts, size, percent) => {
    expect(bloomWaste({ ...index('i'), ...facts, ...size })?.percent).toBeCloseTo(percent, 0);
  });

  it('is not known before the rows were counted, nor under a lock', () => {
    expect(bloomWaste(index('i', { rows: -1 }))).toBeNull();
    expect(bloomWaste(index('i', { sizeBytes: null }))).toBeNull();
  });
});

describe('the plan', () => {
  it('rebuilds what is over the threshold, the largest waste first, and leaves the rest for the next run', () => {
    const made = plan(
      [
        index('well'),
        index('worse', { rows: 510 * 100 }),
        index('worst', { rows: 510 * 200, sizeBytes: 80 * mebibyte }),
        index('small', { rows: 1, sizeBytes: mebibyte / 2 }),
      ],
      { max_indexes: 1 },
    );
    expect(made.steps).toMatchObject([
      {
        key: 'public.worst',
        statements: ['REINDEX INDEX CONCURRENTLY public.worst'],
        lockMode: 'SHARE UPDATE EXCLUSIVE',
        cost: { action: 'reindex', tempDiskBytes: 80 * mebibyte },
        data: { table_oid: 16_000, reason: 'waste' },
      },
    ]);
    expect(made).toMatchObject({ checked: 4, skipped: [{ object: 'public.worse', reason: 'over_max_indexes' }] });
  });

  it('rebuilds what grew since we rebuilt it', () => {
    const bytesPerRowAfterRebuild = new Map([['public.i', 8]]);
    expect(plan([index('i')], {}, { bytesPerRowAfterRebuild }).steps).toMatchObject([{ data: { reason: 'growth' } }]);
    expect(plan([index('i')], { growth_factor: 3 }, { bytesPerRowAfterRebuild }).steps).toEqual([]);
  });

  it('says what it does not touch, and why', () => {
    const made = plan([
      index('a', { valid: false }),
      index('b', { partitioned: true }),
      index('c', { method: 'btree' }),
      index('d', { exclusion: 'extension' }),
      index('e', { rows: -1 }),
      index('f', { sizeBytes: null }),
      index('g', { rows: 1, permitted: false, grant: 'GRANT …' }),
    ]);
    expect(made.steps).toEqual([]);
    expect(made.skipped.map(({ reason }) => reason)).toEqual([
      'invalid',
      'partitioned',
      'neither_bloom_nor_brin: btree',
      'extension',
    ]);
    expect(made.unknown.map(({ reason }) => reason)).toEqual([
      'rows_never_counted: VACUUM the table',
      'locked',
      'insufficient_privilege',
    ]);
    expect(plan([index('i', { rows: 1 })], {}, { serverVersion: 140_003 }).skipped).toEqual([
      { object: 'public.i', reason: 'server_14_0_to_14_3' },
    ]);
  });

  it('summarises BRIN indexes that lack summaries, or where that cannot be counted', () => {
    const brin = index('b', { method: 'brin' });
    const steps = (left: number | null) => plan([brin], {}, { unsummarised: new Map([[16_384, left]]) }).steps;
    expect(steps(0)).toEqual([]);
    for (const left of [3, null]) {
      expect(steps(left)).toMatchObject([
        {
          statements: [`SELECT pg_catalog.brin_summarize_new_values('public.b'::regclass) AS ranges`],
          data: { unsummarised_ranges: left },
        },
      ]);
    }
    expect(plan([brin], { brin: false }).steps).toEqual([]);
    expect(plan([index('i', { rows: 1 })], { bloom: false }).steps).toEqual([]);
  });

  it('throws summaries away only of the ranges that are named, each made anew at once', async () => {
    const literal = `'public."we''ird""; --"'`;
    const [step] = plan(
      [index('b', { method: 'brin', literal })],
      {},
      {
        named: true,
        anew: new Map([[16_384, [0, 128]]]),
      },
    ).steps;
    expect(step?.statements.map((statement) => /brin_\w+/.exec(statement)?.[0])).toEqual([
      'brin_desummarize_range',
      'brin_summarize_range',
      'brin_desummarize_range',
      'brin_summarize_range',
      'brin_summarize_new_values',
    ]);
    for (const statement of step?.statements ?? []) {
      const { stmts = [] } = await parse(statement);
      expect(stmts).toHaveLength(1);
      expect(stmts[0]?.stmt).toHaveProperty('SelectStmt');
      expect(JSON.stringify(stmts)).toContain(JSON.stringify(`public."we'ird""; --"`).slice(1, -1));
    }
  });

  it('rebuilds by a statement that is one REINDEX CONCURRENTLY of that index', async () => {
    const quoted = 'public."we""ird; --"';
    const [step] = plan([index('x', { quoted, rows: 1 })]).steps;
    const { stmts = [] } = await parse(step?.statements[0] ?? '');
    expect(stmts).toHaveLength(1);
    expect(stmts[0]?.stmt).toMatchObject({
      ReindexStmt: {
        kind: 'REINDEX_OBJECT_INDEX',
        relation: { schemaname: 'public', relname: 'we"ird; --' },
        params: [{ DefElem: { defname: 'concurrently' } }],
      },
    });
  });
});
