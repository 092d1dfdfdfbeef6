import { describe, expect, it } from 'vitest';
import type { InvalidIndex } from '../catalogue/invalid-index-details.ts';
import { type InvalidIndexFacts, judgeInvalidIndexes } from './judge.ts';
import type { PartitionPart } from './read-partition-parts.ts';

const index: InvalidIndex = {
  oid: 1,
  schema: 'shop',
  name: 'orders_n',
  table: 'orders',
  quoted: 'shop.orders_n',
  quotedTable: 'shop.orders',
  partitioned: false,
  toastOf: null,
  valid: false,
  ready: true,
  live: true,
  unique: false,
  exclusion: false,
  constraint: null,
  replicaIdentity: false,
  parent: null,
  parentUsable: null,
  sizeBytes: 8192,
  scans: 0,
  definition: 'CREATE INDEX orders_n ON shop.orders USING btree (n)',
  dropSql: 'DROP INDEX CONCURRENTLY shop.orders_n',
  reindexSql: 'REINDEX INDEX CONCURRENTLY shop.orders_n',
  restore: 'CREATE INDEX CONCURRENTLY orders_n ON shop.orders USING btree (n)',
  tableSizeBytes: 8192,
  duplicatesSql: null,
  duplicatesCountable: false,
  workingCopyOf: null,
  twin: null,
};
const part: PartitionPart = {
  root: 1,
  whole: 1,
  partition: 'shop.orders_1',
  partitioned: false,
  foreign: false,
  locked: false,
  attached: null,
  attachedUsable: null,
  match: null,
  constraint: false,
  reindexSql: null,
  createSql: 'CREATE INDEX CONCURRENTLY part ON shop.orders_1 USING btree (n)',
  dropSql: 'DROP INDEX CONCURRENTLY IF EXISTS shop.part',
  attachSql: 'ALTER INDEX shop.orders_n ATTACH PARTITION shop.part',
};

function judge(changes: Partial<InvalidIndex> = {}, facts: Partial<InvalidIndexFacts> = {}) {
  return judgeInvalidIndexes({
    serverVersion: 180_000,
    sighted: { inRecovery: false, database: 'shop', indexes: 3, sightings: [], readStatsGrant: 'GRANT x TO y' },
    indexes: [{ ...index, ...changes }],
    parts: [],
    duplicateKeys: new Map(),
    seenInUse: new Set(),
    ...facts,
  });
}

describe('invalid_index', () => {
  it.each<[string, Partial<InvalidIndex>, Partial<InvalidIndexFacts>, string, string | null]>([
    ['was never built', { ready: false }, {}, 'failed_create', 'DROP'],
    ['is built', {}, {}, 'failed_drop_or_create', 'REINDEX'],
    ['is built and was scanned', { scans: 1 }, {}, 'failed_drop', 'REINDEX'],
    [
      'is built and was seen in use before the counters were reset',
      {},
      { seenInUse: new Set([1]) },
      'failed_drop',
      'REINDEX',
    ],
    ['is not live', { live: false, ready: false }, {}, 'failed_drop', 'DROP'],
    ['is built and unique', { unique: true }, { duplicateKeys: new Map([[1, 0]]) }, 'failed_drop_or_create', 'REINDEX'],
    ['cannot become unique', { unique: true }, { duplicateKeys: new Map([[1, 2]]) }, 'failed_create', 'DROP'],
    ['has a twin', { scans: 1, twin: 'orders_m' }, {}, 'failed_drop', 'DROP'],
    [
      'is like what REINDEX leaves, without its original',
      { name: 'orders_n_ccnew1' },
      {},
      'failed_drop_or_create',
      'DROP',
    ],
    ['backs a constraint', { constraint: 'orders_pkey', twin: 'orders_m' }, {}, 'needed', 'REINDEX'],
    ['is part of a valid whole', { parent: 'shop.all', parentUsable: true }, {}, 'needed', 'REINDEX'],
    ['is a TOAST index', { toastOf: 'shop.orders' }, {}, 'needed', null],
    ['is built, on 14.3', {}, { serverVersion: 140_003 }, 'failed_drop_or_create', null],
    ['backs a constraint, on 14.0', { constraint: 'orders_pkey' }, { serverVersion: 140_000 }, 'needed', null],
    ['was never built, on 14.3', { ready: false }, { serverVersion: 140_003 }, 'failed_create', 'DROP'],
    ['is built, on 14.4', {}, { serverVersion: 140_004 }, 'failed_drop_or_create', 'REINDEX'],
  ])('an index that %s', (_, changes, facts, expected, verb) => {
    const [finding] = judge(changes, facts).findings;
    expect(finding?.evidence['class']).toBe(expected);
    expect(finding?.action?.sql[0]?.split(' ')[0] ?? null).toBe(verb);
    expect(typeof finding?.evidence['no_action_because']).toBe(verb === null ? 'string' : 'undefined');
  });

  it('leaves to orphaned_index what REINDEX left, and to the whole what is its part', () => {
    for (const changes of [
      { workingCopyOf: { name: 'orders_m', usable: true } },
      { parent: 'shop.all', parentUsable: false },
    ]) {
      expect(judge(changes)).toMatchObject({ findings: [], skipped: [{ object: 'shop.orders_n' }], checked: 2 });
    }
  });

  it('knows nothing on a standby', () => {
    const sighted = { inRecovery: true, database: 'shop', indexes: 3, sightings: [], readStatsGrant: '' };
    expect(judge({}, { sighted, indexes: [] })).toMatchObject({
      checked: 0,
      unjudged: 'all',
      unknown: [{ object: 'shop', grant: null }],
    });
  });

  it.each<[string, Partial<PartitionPart>[], RegExp | null]>([
    ['an ordinary one', [{}], null],
    ['none', [], /no partitions/],
    ['a foreign one', [{ foreign: true, createSql: null, attachSql: null }], /foreign table/],
    ['one that is partitioned', [{ partitioned: true }], /ON ONLY/],
    ['one that needs a constraint', [{ constraint: true }], /constraint/],
    ['one whose constraint is there', [{ constraint: true, match: 'part' }], null],
  ])('completes over %s, or says why not', (_, parts, because) => {
    const report = judge({ partitioned: true }, { parts: parts.map((changes) => ({ ...part, ...changes })) });
    const [finding] = report.findings;
    expect(finding?.action === null).toBe(because !== null);
    if (because !== null) expect(finding?.evidence['no_action_because']).toMatch(because);
  });

  it('builds nothing on 14.0 to 14.3, but attaches', () => {
    const on = (parts: PartitionPart[]) =>
      judge({ partitioned: true }, { parts, serverVersion: 140_001 }).findings[0]?.action;
    expect(on([part])).toBeNull();
    expect(on([{ ...part, match: 'part' }])?.sql).toEqual([part.attachSql]);
  });

  it('takes on fifty partitions at a time', () => {
    const parts = Array.from({ length: 60 }, (_, n) => ({ ...part, partition: `shop.orders_${n}` }));
    const [finding] = judge({ partitioned: true }, { parts }).findings;
    expect(finding?.action?.sql).toHaveLength(100);
    expect(finding?.evidence).toMatchObject({ missing_partition_count: 60, action_covers_partitions: 50 });
  });

  it('does not know of a whole that has a locked partition', () => {
    expect(judge({ partitioned: true }, { parts: [part, { ...part, locked: true }] })).toMatchObject({
      findings: [],
      unknown: [{ object: 'shop.orders_n', reason: 'locked' }],
    });
  });
});
