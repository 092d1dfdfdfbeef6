import type { JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { CollationRow } from './collations.ts';
import { type IntegrityFacts, judgeIntegrity } from './judge.ts';
import type { RelationRow } from './relations.ts';
import { readMemory } from './remembered.ts';
import { checkType } from './schema.ts';
import type { Verdict } from './verify.ts';

const config = checkType.config.parse({});
const index: RelationRow = {
  oid: 16_400,
  kind: 'index',
  schema: 'public',
  name: 'orders_x',
  quoted: 'public.orders_x',
  table: 'orders',
  tableOid: 16_390,
  toastOf: null,
  excluded: null,
  locked: false,
  sizeBytes: 8192,
  companionBytes: 8192,
  collations: [12_345],
};
const collation: CollationRow = {
  oid: 12_345,
  schema: 'pg_catalog',
  name: 'de-x-icu',
  quoted: 'pg_catalog."de-x-icu"',
  recorded: '1',
  actual: '1',
  obstacle: null,
};
const usable = { kind: 'usable', schema: 'public', name: 'bt_index_check', parameters: 2 } as const;
const facts = (verdict: Verdict | undefined, changes: Partial<IntegrityFacts> = {}): IntegrityFacts => ({
  database: 'shop',
  relations: [index],
  checksums: [
    { scope: 'database', failures: 0, lastFailureAt: null },
    { scope: 'shared', failures: 0, lastFailureAt: null },
  ],
  collations: [collation],
  amcheck: { version: '1.4', outdated: false, functions: [] },
  verifiers: { indexes: usable, heaps: null, reservations: [] },
  verdicts: new Map(verdict === undefined ? [] : [[index.quoted, verdict]]),
  bytesRead: 0,
  cursor: 16_400,
  switches: [],
  remembered: { cursor: null },
  now: new Date('2026-11-30T02:00:00Z'),
  ...changes,
});
const corrupt: Verdict = { kind: 'corrupt', message: 'item order invariant violated', details: { sqlstate: 'XX002' } };

describe('integrity', () => {
  it('finds nothing where all is sound, and says how much was looked at', () => {
    const report = judgeIntegrity(facts({ kind: 'sound' }), config);
    expect(report).toMatchObject({ checked: 4, findings: [], unknown: [], unjudged: [] });
    expect(readMemory({ at: new Date(), values: report.snapshot ?? {} })).toMatchObject({ cursor: 16_400 });
  });

  it('proposes no repair, and warns of those that destroy evidence', () => {
    expect(judgeIntegrity(facts(corrupt), config).findings).toMatchObject([
      {
        fingerprint: 'index:public.orders_x',
        severity: 'critical',
        action: null,
        evidence: { no_action_because: expect.stringContaining('copy the files') },
      },
    ]);
  });

  it('names a collation that may be the cause', () => {
    const collations = [{ ...collation, actual: '2' }];
    expect(judgeIntegrity(facts(corrupt, { collations }), config).findings).toMatchObject([
      { fingerprint: 'collation:pg_catalog."de-x-icu"', severity: 'warning', evidence: { indexes: 1 } },
      { fingerprint: 'index:public.orders_x', evidence: { changed_collations: ['pg_catalog."de-x-icu"'] } },
    ]);
  });

  it('leaves open what was not verified', () => {
    expect(judgeIntegrity(facts(undefined), config)).toMatchObject({ checked: 3, unjudged: ['public.orders_x'] });
    expect(judgeIntegrity(facts({ kind: 'unverified', reason: 'statement_timeout' }), config)).toMatchObject({
      checked: 3,
      unknown: [{ object: 'public.orders_x', reason: 'statement_timeout', grant: null }],
      unjudged: [],
    });
  });

  it('does not take checksums that are off for sound pages', () => {
    const checksums = [{ scope: 'database', failures: null, lastFailureAt: null } as const];
    expect(judgeIntegrity(facts({ kind: 'sound' }, { checksums }), config)).toMatchObject({
      unknown: [{ object: 'shop', reason: 'checksums_off', grant: null }],
      figures: { checksums: 'off' },
    });
  });

  it('tells once what is missing for indexes and tables alike', () => {
    const missing = { kind: 'unusable', reason: 'amcheck_missing', grant: 'CREATE EXTENSION amcheck' } as const;
    const verifiers = { indexes: missing, heaps: missing, reservations: [] };
    expect(judgeIntegrity(facts(undefined, { verifiers }), config)).toMatchObject({
      unknown: [{ object: 'amcheck', reason: 'amcheck_missing', grant: 'CREATE EXTENSION amcheck' }],
      unjudged: ['public.orders_x'],
    });
  });

  it('takes a snapshot it does not know for none', () => {
    expect(readMemory({ at: new Date(), values: { cursor: 'x' } })).toEqual({ cursor: null });
    expect(readMemory(undefined)).toEqual({ cursor: null });
  });

  it('keeps what a closer look found corrupt until as close a look finds it sound', () => {
    const look = (verdict: Verdict | undefined, switches: string[], values: JsonObject) =>
      judgeIntegrity(facts(verdict, { switches, remembered: readMemory({ at: new Date(), values }) }), config);
    const deep = look(corrupt, ['heapallindexed', 'parent'], {});
    expect(deep.snapshot).toMatchObject({ corrupt: { 'public.orders_x': ['heapallindexed', 'parent'] } });
    const light = look({ kind: 'sound' }, [], deep.snapshot ?? {});
    expect(light).toMatchObject({ findings: [], unjudged: ['public.orders_x'], snapshot: deep.snapshot });
    const again = look(corrupt, ['heapallindexed'], light.snapshot ?? {});
    expect(again.snapshot).toMatchObject({ corrupt: { 'public.orders_x': ['heapallindexed'] } });
    expect(look({ kind: 'sound' }, ['heapallindexed'], again.snapshot ?? {})).toMatchObject({
      unjudged: [],
      snapshot: expect.not.objectContaining({ corrupt: expect.anything() }),
    });
    expect(look(undefined, [], again.snapshot ?? {}).snapshot).toMatchObject(again.snapshot ?? {});
  });

  it('leaves GIN out, but keeps what was found of one', () => {
    const relations = [{ ...index, excluded: 'no_check_for gin' }];
    expect(judgeIntegrity(facts(undefined, { relations }), config)).toMatchObject({
      skipped: [{ object: 'public.orders_x', reason: 'no_check_for gin' }],
      unjudged: ['public.orders_x'],
      figures: { relations_left: 0 },
    });
  });
});
