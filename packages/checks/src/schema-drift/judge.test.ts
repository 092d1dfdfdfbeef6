import { describe, expect, it } from 'vitest';
import { fromSnapshot } from './baseline.ts';
import { classOfAdded, classOfRemoved, partChanges } from './classify.ts';
import type { ObjectName, Parts, SchemaFacts, SchemaObject } from './facts.ts';
import { judgeSchemaDrift } from './judge.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({});
const now = new Date('2026-11-30T10:00:00Z');
const table = (name: string, parts: Parts | null = { 'column id': 'integer' }): SchemaObject => ({
  kind: 'table',
  schema: 'app',
  within: '',
  name,
  parts,
});
const child = (kind: 'constraint' | 'index', within: string, name: string, definition: string): SchemaObject => ({
  kind,
  schema: 'app',
  within,
  name,
  parts: { definition },
});
const facts = (objects: SchemaObject[], given: Partial<SchemaFacts> = {}): SchemaFacts => ({
  database: 'shop',
  majorVersion: 18,
  objects,
  invalidIndexes: [],
  ...given,
});
const judge = (before: SchemaFacts | undefined, after: SchemaFacts, given = {}) => {
  const taken = before === undefined ? undefined : judgeSchemaDrift(before, undefined, new Date(0), config).snapshot;
  // As the ledger would give it back.
  const values = taken === undefined ? undefined : JSON.parse(JSON.stringify(taken));
  return judgeSchemaDrift(after, values === undefined ? undefined : fromSnapshot({ at: now, values }), now, {
    ...config,
    ...given,
  });
};
const told = (report: ReturnType<typeof judge>) =>
  report.findings.map(
    ({ fingerprint, evidence }) => `${fingerprint} ${String(evidence['change'])} ${String(evidence['class'])}`,
  );

describe('the baseline', () => {
  it('is taken at the first look, which compares nothing', () => {
    expect(judge(undefined, facts([table('t')]))).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [],
      figures: { baseline: 'taken', baseline_at: now.toISOString() },
    });
  });

  it('is carried on as it was, however often somebody looks', () => {
    const first = judgeSchemaDrift(facts([table('t')]), undefined, new Date(0), config);
    let values = first.snapshot ?? {};
    for (let look = 0; look < 3; look += 1) {
      const report = judgeSchemaDrift(facts([table('u')]), fromSnapshot({ at: now, values }), now, config);
      expect(told(report)).toEqual(['table:app.u added additive', 'table:app.t removed breaking']);
      values = report.snapshot ?? {};
    }
    expect(values).toEqual(first.snapshot);
  });

  it('holds any names', () => {
    const names = ['__proto__', 'constructor', 'a.b', '"', '', '𝒳'];
    const objects = names.map((name) => table(name));
    expect(judge(facts(objects), facts(objects))).toMatchObject({ checked: names.length, findings: [] });
    expect(told(judge(facts([table('b')]), facts([{ ...table('b'), schema: 'a.b' }])))).toEqual([
      'table:"a.b".b added additive',
      'table:app.b removed breaking',
    ]);
  });

  it('keeps 200 kB of definitions and the hashes of all', () => {
    const objects = Array.from({ length: 5_000 }, (_, at) => table(`t${at}`, { 'column id': 'x'.repeat(100) }));
    const { snapshot } = judge(undefined, facts(objects));
    expect(JSON.stringify(snapshot).length).toBeLessThan(500_000);
    const last = objects.map((object, at) => (at === 4_999 ? table('t4999', { 'column id': 'bigint' }) : object));
    const report = judge(facts(objects), facts(last));
    expect(report.findings).toMatchObject([
      { evidence: { class: 'changed', parts_changed: null }, severity: 'warning' },
    ]);
    expect(judge(facts(objects), facts(objects))).toMatchObject({ checked: 5_000, findings: [] });
  });

  it('is taken anew when it is of a kind unknown', () => {
    expect(fromSnapshot({ at: now, values: { version: 2 } })).toBeUndefined();
    expect(fromSnapshot(undefined)).toBeUndefined();
  });
});

describe('a look', () => {
  it('takes constraints and indexes that the server merely named anew for the same', () => {
    const before = [
      table('t'),
      child('constraint', 't', 't_a_check', 'CHECK (a)'),
      child('index', 't', 't_a_idx', 'INDEX ON app.t (a)'),
    ];
    const anew = [
      table('t'),
      child('constraint', 't', 't_check1', 'CHECK (a)'),
      child('index', 't', 't_a_idx1', 'INDEX ON app.t (a)'),
    ];
    expect(judge(facts(before), facts(anew))).toMatchObject({ checked: 3, findings: [] });
    const byHand = [
      table('t'),
      child('constraint', 't', 'a_must_hold', 'CHECK (a)'),
      child('index', 't', 't_a_idx', 'INDEX ON app.t (a)'),
    ];
    expect(told(judge(facts(before), facts(byHand)))).toEqual([
      'constraint:app.t.a_must_hold added changed',
      'constraint:app.t.t_a_check removed changed',
    ]);
    const twice = [...anew, child('constraint', 't', 't_check2', 'CHECK (a)')];
    expect(told(judge(facts(before), facts(twice)))).toHaveLength(1);
  });

  it('knows an index by its name though its table is another', () => {
    const before = [table('t'), table('u'), child('index', 't', 'i', 'INDEX ON app.t (a)')];
    const after = [table('t'), table('u'), child('index', 'u', 'i', 'INDEX ON app.u (a)')];
    expect(told(judge(facts(before), facts(after)))).toEqual(['index:app.i changed changed']);
  });

  it('counts what came or went with a table or schema there', () => {
    const owned: SchemaObject = {
      kind: 'sequence',
      schema: 'app',
      within: '',
      name: 's',
      parts: { definition: 'AS int', 'owned by': 'app.t' },
    };
    const all = [table('t'), child('index', 't', 'i', 'INDEX'), owned];
    expect(judge(facts([]), facts(all)).findings).toMatchObject([
      { fingerprint: 'table:app.t', evidence: { along: 2 } },
    ]);
    const schema: SchemaObject = { kind: 'schema', schema: null, within: '', name: 'app', parts: {} };
    const report = judge(facts([schema, ...all]), facts([]));
    expect(report.findings).toMatchObject([
      { fingerprint: 'schema:app', evidence: { along: 3 }, object: { schema: null, name: 'app' } },
    ]);
    expect(report.findings[0]?.summary).toContain('and 3 objects with it');
  });

  it('does not compare what another major version printed, but what it prints alike', () => {
    const view = (query: string, id = 'integer'): SchemaObject => ({
      kind: 'view',
      schema: 'app',
      within: '',
      name: 'v',
      parts: { query, 'column id': id },
    });
    const upgraded = judge(
      facts([view('SELECT t.id FROM t')], { majorVersion: 14 }),
      facts([view('SELECT id FROM t')]),
    );
    expect(upgraded).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [{ object: 'app.v', reason: expect.stringContaining('PostgreSQL 14') }],
    });
    const other = judge(
      facts([view('SELECT t.id FROM t')], { majorVersion: 14 }),
      facts([view('SELECT id FROM t', 'bigint')]),
    );
    expect(told(other)).toEqual(['view:app.v changed breaking']);
    expect(judge(facts([view('x')], { majorVersion: 14 }), facts([view('x')]))).toMatchObject({
      checked: 1,
      unknown: [],
    });
  });

  it('leaves open what it could not read, and learns what it could not when the baseline was taken', () => {
    expect(judge(facts([table('t')]), facts([table('t', null)]))).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [{ object: 'app.t', reason: 'locked' }],
    });
    const learnt = judge(facts([table('t', null)]), facts([table('t')]));
    expect(learnt).toMatchObject({ checked: 1, findings: [], unknown: [] });
    const then = judgeSchemaDrift(
      facts([table('t', { 'column id': 'bigint' })]),
      fromSnapshot({ at: now, values: learnt.snapshot ?? {} }),
      now,
      config,
    );
    expect(told(then)).toEqual(['table:app.t changed changed']);
    const invalid: ObjectName = { kind: 'index', schema: 'app', within: 't', name: 'i' };
    const index = child('index', 't', 'i', 'INDEX');
    expect(judge(facts([index]), facts([], { invalidIndexes: [invalid] }))).toMatchObject({
      findings: [],
      unjudged: ['app.i'],
    });
  });

  it('refuses to compare under other settings, and reports nothing when it accepts', () => {
    const other = judge(facts([table('t')]), facts([table('u')]), { ignore_schemas: ['x'] });
    expect(other).toMatchObject({ checked: 0, findings: [], unjudged: 'all', unknown: [{ object: 'shop' }] });
    expect(judge(facts([table('t')]), facts([table('u')]), { accept: true })).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [],
      figures: { baseline: 'accepted' },
    });
  });
});

describe('the class of a change', () => {
  const of = (kind: ObjectName['kind'], before: Parts, after: Parts) =>
    partChanges(kind, before, after).map((change) => change.class);
  it.each<[string, ObjectName['kind'], Parts, Parts, string]>([
    ['a column', 'table', {}, { 'column a': 'integer' }, 'additive'],
    ['a column that has to be filled', 'table', {}, { 'column a': 'integer NOT NULL' }, 'breaking'],
    ['a column gone', 'table', { 'column a': 'integer' }, {}, 'breaking'],
    ['another type', 'table', { 'column a': 'integer' }, { 'column a': 'bigint' }, 'breaking'],
    ['NOT NULL', 'table', { 'column a': 'integer' }, { 'column a': 'integer NOT NULL' }, 'breaking'],
    ['NOT NULL no more', 'table', { 'column a': 'integer NOT NULL' }, { 'column a': 'integer' }, 'changed'],
    [
      'another default',
      'table',
      { 'column a': 'integer', 'default a': 'DEFAULT 1' },
      { 'column a': 'integer', 'default a': 'DEFAULT 2' },
      'changed',
    ],
    ['the default of a domain', 'type', {}, { default: '1' }, 'changed'],
    ['row security off', 'table', { 'row security': 'enabled' }, {}, 'changed'],
    ['another result', 'function', { result: 'integer' }, { result: 'text' }, 'breaking'],
    ['another body', 'function', { body: 'x' }, { body: 'y' }, 'changed'],
    ['a label between others', 'type', { labels: '["a","b"]' }, { labels: '["a","x","b"]' }, 'additive'],
    ['a label gone', 'type', { labels: '["a","b"]' }, { labels: '["a"]' }, 'breaking'],
    ['labels in another order', 'type', { labels: '["a","b"]' }, { labels: '["b","a"]' }, 'breaking'],
  ])('%s', (_, kind, before, after, expected) => {
    expect(of(kind, before, after)).toEqual([expected]);
  });

  it('is additive for a filled column, though it may not be null', () => {
    expect(of('table', {}, { 'column a': 'integer NOT NULL', 'default a': 'DEFAULT 1' })).toEqual([
      'additive',
      'additive',
    ]);
  });

  it('minds what a key is for', () => {
    const name: ObjectName = { kind: 'constraint', schema: 'app', within: 't', name: 'k' };
    expect(classOfRemoved(name, { definition: 'UNIQUE (a)' })).toBe('breaking');
    expect(classOfRemoved(name, { definition: 'CHECK (a)' })).toBe('changed');
    expect(classOfAdded(name, { definition: 'CHECK (a)' })).toBe('changed');
    expect(classOfAdded({ ...name, kind: 'index' }, { definition: 'UNIQUE INDEX ON t (a)' })).toBe('changed');
    expect(classOfAdded({ ...name, kind: 'index' }, { definition: 'INDEX ON t (a)' })).toBe('additive');
  });
});
