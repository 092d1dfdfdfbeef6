import { describe, expect, it } from 'vitest';
import { type IndexBloatFacts, judgeIndexBloat, nothingMeasured } from './judge.ts';
import type { IndexRow } from './read.ts';
import { readMemory } from './remembered.ts';
import { checkType } from './schema.ts';
import type { BtreeFigures } from './waste.ts';

const config = checkType.config.parse({});
const now = new Date('2026-11-30T02:00:00Z');
const index: IndexRow = {
  oid: 16_400,
  schema: 'public',
  name: 'orders_x',
  quoted: 'public.orders_x',
  table: 'orders',
  toastOf: null,
  partitionOf: null,
  method: 'btree',
  system: false,
  exclusionConstraint: false,
  excluded: null,
  locked: false,
  sizeBytes: 8192 * 1000,
  filenode: 16_400,
  estimatedTuples: 10_000,
  rebuildSql: 'REINDEX INDEX CONCURRENTLY public.orders_x',
  cleanPendingSql: '',
};
/** 998 leaves, filled to `leafDensity`. */
const figures = (leafDensity: number): BtreeFigures => ({
  method: 'btree',
  sizeBytes: 8192 * 1000,
  treeLevel: 1,
  internalPages: 1,
  leafPages: 998,
  emptyPages: 0,
  deletedPages: 0,
  leafDensity,
  fillfactor: 90,
  blockBytes: 8192,
});
const facts = (leafDensity: number | null, changes: Partial<IndexRow> = {}): IndexBloatFacts => ({
  database: 'shop',
  inRecovery: false,
  serverVersion: 180_000,
  indexes: [{ ...index, ...changes }],
  tooSmall: 0,
  measurements: new Map(
    leafDensity === null ? [] : [[index.quoted, { kind: 'measured', figures: figures(leafDensity) }]],
  ),
  bytesRead: 0,
  remembered: new Map(),
  now,
});

describe('index_bloat', () => {
  it.each([
    [90, []],
    [73, []],
    [71, [{ severity: 'info', action: null }]],
    [55, [{ severity: 'info', action: null }]],
    [53, [{ severity: 'warning', action: { sql: [index.rebuildSql], rollbackSql: [] } }]],
  ])('judges leaves that are filled to %i percent', (density, findings) => {
    expect(judgeIndexBloat(facts(density), config).findings).toMatchObject(findings);
  });

  it.each([
    ['the index of an exclusion constraint', { exclusionConstraint: true }, {}, 'exclusion constraint'],
    ['a catalogue', { system: true }, {}, 'catalogue'],
    ['a standby', {}, { inRecovery: true }, 'standby'],
    ['a server whose REINDEX CONCURRENTLY corrupts', {}, { serverVersion: 140_003 }, '14.3'],
  ])('proposes nothing for %s, and says why', (_, row, server, reason) => {
    const report = judgeIndexBloat({ ...facts(20, row), ...server }, config);
    expect(report.findings).toMatchObject([
      { severity: 'warning', action: null, evidence: { no_action_because: expect.stringContaining(reason) } },
    ]);
  });

  it('leaves what had no turn unjudged, and what is locked unknown', () => {
    expect(judgeIndexBloat(facts(null), config)).toMatchObject({
      checked: 0,
      unjudged: ['public.orders_x'],
      unknown: [],
    });
    expect(judgeIndexBloat(facts(null, { locked: true, sizeBytes: null }), config)).toMatchObject({
      checked: 0,
      unjudged: [],
      unknown: [{ object: 'public.orders_x', reason: 'locked', grant: null }],
    });
  });

  it('counts as healthy what was measured before and is still the same file', () => {
    const first = judgeIndexBloat(facts(90), config);
    const remembered = readMemory({ at: now, values: first.snapshot ?? {} });
    const later = { ...facts(null), remembered };
    expect(judgeIndexBloat(later, config).figures).toMatchObject({ healthy: 1, measured: 0 });
    const rebuilt = { ...facts(null, { filenode: 17_000 }), remembered };
    expect(judgeIndexBloat(rebuilt, config).figures).toMatchObject({ healthy: 0, bloated: 0 });
    expect(judgeIndexBloat(rebuilt, config).snapshot).toEqual(first.snapshot);
  });

  it('remembers an attempt that failed, so that it comes last the next time', () => {
    const failed: IndexBloatFacts = {
      ...facts(null),
      measurements: new Map([[index.quoted, { kind: 'unmeasured', reason: 'statement_timeout' }]]),
    };
    const report = judgeIndexBloat(failed, config);
    expect(report.unknown).toMatchObject([{ reason: 'statement_timeout' }]);
    expect(readMemory({ at: now, values: report.snapshot ?? {} }).get(index.quoted)).toMatchObject({
      readAt: now.getTime() / 1000,
      waste: null,
    });
  });

  it('keeps what it remembers when nothing can be measured, and takes a snapshot it does not know for none', () => {
    const { snapshot = {} } = judgeIndexBloat(facts(90), config);
    const missing = { kind: 'unusable', reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' } as const;
    const report = nothingMeasured(facts(null), missing, { at: now, values: snapshot });
    expect(report).toMatchObject({ checked: 0, unjudged: 'all', snapshot });
    expect(readMemory({ at: now, values: { indexes: 3 } })).toEqual(new Map());
    expect(readMemory(undefined)).toEqual(new Map());
  });
});
