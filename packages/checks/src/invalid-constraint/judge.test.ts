import { describe, expect, it } from 'vitest';
import { type Violators, whyNotCounted } from './count-violators.ts';
import { judgeConstraints } from './judge.ts';
import type { Constraint, ConstraintFacts } from './read.ts';
import type { ViolatorSearch } from './read-searches.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({});
const constraint: Constraint = {
  oid: 7,
  schema: 'public',
  owner: 'orders',
  isDomain: false,
  name: 'positive',
  type: 'c',
  foreign: false,
  builtIn: true,
  validate: 'ALTER TABLE public.orders VALIDATE CONSTRAINT positive',
};
const search: ViolatorSearch = {
  constraintOid: 7,
  find: 'SELECT * FROM public.orders WHERE NOT (n > 0)',
  count: 'SELECT count(*)',
  unused: false,
  sizeBytes: 8_192,
  locked: false,
  foreign: false,
  userCode: false,
  rowSecurity: false,
  readable: true,
  grant: null,
};
const counted = (violators: number): Violators => ({ kind: 'counted', violators, find: search.find });
const notCounted = (because: string, failed = false): Violators => ({
  kind: 'not_counted',
  because,
  grant: null,
  find: null,
  failed,
});
const facts = (change: Partial<ConstraintFacts>): ConstraintFacts => ({
  declared: 3,
  notValidated: [],
  disabled: [],
  ...change,
});
const judge = (one: Constraint, violators: Violators) =>
  judgeConstraints(facts({ notValidated: [one] }), new Map([[one.oid, violators]]), config).findings[0];

describe('invalid_constraint', () => {
  it.each<[string, Constraint, Violators, string, boolean]>([
    ['nothing breaks it', constraint, counted(0), 'warning', true],
    ['nobody counted', constraint, notCounted('locked'), 'warning', true],
    ['rows break it', constraint, counted(3), 'critical', false],
    ['checking it fails', constraint, notCounted('counting failed', true), 'warning', false],
    ['it runs what somebody defined', { ...constraint, builtIn: false }, notCounted('it calls'), 'warning', false],
    ['it is of a foreign table', { ...constraint, foreign: true }, notCounted('foreign'), 'warning', false],
  ])('proposes to validate it or not when %s', (_, one, violators, severity, proposed) => {
    expect(judge(one, violators)).toMatchObject({
      severity,
      action: proposed ? { sql: [constraint.validate], rollbackSql: [] } : null,
    });
  });

  it('says of a limit that there may be more', () => {
    expect(judge(constraint, counted(1_000))?.summary).toMatch(/at least 1000/);
    expect(judge(constraint, counted(999))?.summary).toMatch(/: 999$/);
  });

  it('tells a constraint that is both from one that is either', () => {
    const trigger = { table: 'public.orders', side: 'check', mode: 'R', enable: 'ALTER TABLE …' } as const;
    const report = judgeConstraints(
      facts({ notValidated: [constraint], disabled: [{ ...constraint, triggers: [trigger, trigger] }] }),
      new Map([[7, counted(1)]]),
      config,
    );
    expect(report.findings.map(({ fingerprint }) => fingerprint)).toEqual([
      'constraint:public.orders.positive',
      'disabled_constraint:public.orders.positive',
    ]);
    expect(report.findings[1]?.evidence).toMatchObject({ disabled_triggers: [{ mode: 'replica only', triggers: 2 }] });
    expect(report).toMatchObject({ checked: 3, figures: { count: 2, not_validated: 1, disabled: 1, broken: 2 } });
  });

  it.each<[string, Partial<Constraint>, Partial<ViolatorSearch>, RegExp | null]>([
    ['all is well', {}, {}, null],
    ['no table holds it', {}, { find: null, count: null, unused: true }, null],
    ['it runs what somebody defined', { builtIn: false }, {}, /somebody defined/],
    ['its table does', {}, { userCode: true }, /somebody defined/],
    ['it is locked', {}, { locked: true, find: null }, /^locked$/],
    ['it is foreign', {}, { foreign: true }, /foreign/],
    ['it may not be read', {}, { readable: false }, /may not read/],
    ['rows are hidden', {}, { rowSecurity: true }, /^row security/],
    ['there is no query', {}, { find: null }, /no plain query/],
  ])('counts, or says why not, when %s', (_, one, change, reason) => {
    const why = whyNotCounted({ ...constraint, ...one }, { ...search, ...change }, config);
    expect(why).toEqual(reason === null ? null : expect.stringMatching(reason));
  });

  it('counts nothing when told so, or when there were too many', () => {
    expect(whyNotCounted(constraint, search, { ...config, count_limit: 0 })).toBe('count_limit is 0');
    expect(whyNotCounted(constraint, undefined, config)).toMatch(/too many/);
  });
});
