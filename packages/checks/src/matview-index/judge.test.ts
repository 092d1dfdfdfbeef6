import { describe, expect, it } from 'vitest';
import { candidatesOf } from './candidates.ts';
import { judgeMatviews, whyNotVerified } from './judge.ts';
import { parseNodeTree } from './node-tree.ts';
import { queryKeysOf } from './query-keys.ts';
import type { Matview, MatviewIndex } from './read.ts';
import { checkType } from './schema.ts';
import type { Verified } from './verify-candidates.ts';

const config = checkType.config.parse({});
const matview: Matview = {
  oid: 7,
  schema: 'public',
  name: 'sales',
  populated: true,
  locked: false,
  sizeBytes: 8_192,
  scans: 3,
  indexes: [],
  readable: true,
  grant: null,
  userCode: false,
  rule: '',
  columns: ['id', 'note', 'total'].map((name, before) => ({
    attribute: before + 1,
    name,
    kind: name === 'total' ? 'value' : 'key',
    repeats: false,
  })),
  refresh: 'REFRESH MATERIALIZED VIEW public.sales',
  empty: 'REFRESH MATERIALIZED VIEW public.sales WITH NO DATA',
};
const index: MatviewIndex = { name: 'i', unique: true, usable: true, partial: false, expression: false, valid: true };
const unique: Verified = {
  kind: 'unique',
  proposal: { columns: ['id'], source: 'table', rows: 9, create: 'CREATE …', drop: 'DROP …' },
};
const judge = (change: Partial<Matview>, verified: Verified = unique, serverVersion = 180000) =>
  judgeMatviews([{ ...matview, ...change }], new Map([[7, verified]]), serverVersion, config);

describe('matview_index', () => {
  it('finds nothing where an index is usable', () => {
    expect(judge({ indexes: [index] })).toMatchObject({
      checked: 1,
      findings: [],
      figures: { count: 1, index_suggestions: 0 },
    });
  });

  it('proposes what was verified, and says why it proposes nothing', () => {
    expect(judge({}).findings).toMatchObject([
      { severity: 'info', action: { sql: ['CREATE …'], rollbackSql: ['DROP …'], class: 'compensable' } },
    ]);
    expect(judge({ sizeBytes: 10_485_760 }).findings).toMatchObject([{ severity: 'warning' }]);
    expect(judge({}, { kind: 'none', because: 'too many' }).findings).toMatchObject([
      { action: null, evidence: { no_action_because: 'too many' } },
    ]);
    expect(judge({}, unique, 140003).findings).toMatchObject([
      { action: null, evidence: { no_action_because: expect.stringMatching(/14\.4/) } },
    ]);
  });

  it.each<[string, Partial<MatviewIndex>, string]>([
    ['partial', { partial: true }, 'partial'],
    ['on an expression', { expression: true }, 'on an expression'],
    ['not valid', { valid: false }, 'not valid'],
  ])('says why a unique index is not usable: %s', (_, change, why) => {
    const { findings } = judge({ indexes: [{ ...index, usable: false, ...change }] });
    expect(findings).toMatchObject([{ evidence: { unique_but_unusable: [{ index: 'i', why }] } }]);
  });

  it('has an empty view populated, unless somebody seems to be doing so', () => {
    const empty = judge({ populated: false, indexes: [index] });
    expect(empty.findings).toMatchObject([
      {
        fingerprint: 'unpopulated_matview:public.sales',
        action: { sql: [matview.refresh], rollbackSql: [matview.empty] },
      },
    ]);
    expect(judge({ populated: false, locked: true, indexes: [index] }).findings).toMatchObject([{ action: null }]);
  });

  it.each<[Partial<Matview>, RegExp | null]>([
    [{}, null],
    [{ populated: false }, /never populated/],
    [{ locked: true }, /locked/],
    [{ readable: false }, /may not read/],
    [{ userCode: true }, /somebody defined/],
  ])('reads rows only where that is safe: %j', (change, reason) => {
    expect(whyNotVerified({ ...matview, ...change }, config)).toEqual(
      reason === null ? null : expect.stringMatching(reason),
    );
  });
});

const entry = (resno: number, { group = 0, table = 0, column = 0, junk = false, type = 'VAR' } = {}): string =>
  `{TARGETENTRY :expr {${type} :varno 1 :location -1} :resno ${resno} :resname :odd\\ name :ressortgroupref ${group} :resorigtbl ${table} :resorigcol ${column} :resjunk ${junk}}`;
const query = (
  entries: string[],
  { groups = [], distinct = [], sets = '<>', srfs = false }: Partial<Clauses> = {},
): string => {
  const clauses = (refs: number[]): string =>
    refs.length === 0 ? '<>' : `(${refs.map((ref) => `{SORTGROUPCLAUSE :tleSortGroupRef ${ref} :eqop 96}`).join(' ')})`;
  return `({QUERY :commandType 1 :hasTargetSRFs ${srfs} :rtable ({RTE :eref {ALIAS :aliasname \\{t :colnames ("a\\)" "b")}}) :targetList (${entries.join(' ')}) :groupClause ${clauses(groups)} :groupingSets ${sets} :distinctClause ${clauses(distinct)}})`;
};
interface Clauses {
  groups: number[];
  distinct: number[];
  sets: string;
  srfs: boolean;
}

describe('what a query says of its rows', () => {
  it.each<[string, string, readonly number[] | null]>([
    ['nothing', query([entry(1)]), null],
    [
      'GROUP BY',
      query([entry(1, { type: 'AGGREF' }), entry(2, { group: 1 }), entry(3, { group: 2 })], { groups: [2, 1] }),
      [3, 2],
    ],
    [
      'GROUP BY of a column it does not show',
      query([entry(1, { group: 1 }), entry(2, { group: 2, junk: true })], { groups: [1, 2] }),
      null,
    ],
    ['grouping sets', query([entry(1, { group: 1 })], { groups: [1], sets: '({GROUPINGSET :kind 2})' }), null],
    ['a function that returns sets', query([entry(1, { group: 1 })], { groups: [1], srfs: true }), null],
    ['DISTINCT', query([entry(1, { group: 1 }), entry(2, { group: 2 })], { distinct: [1, 2], groups: [1] }), [1, 2]],
    ['no query', 'nonsense', null],
    ['an unfinished tree', '({QUERY :targetList ({TARGETENTRY', null],
  ])('%s', (_, rule, expected) => {
    expect(queryKeysOf(rule).distinct).toEqual(expected);
  });

  it('tells columns shown as they are from those that are computed', () => {
    const rule = query([entry(1, { table: 16384, column: 4 }), entry(2, { type: 'OPEXPR' }), entry(3)]);
    expect(queryKeysOf(rule).shown).toEqual([
      { attribute: 1, relation: 16384, column: 4 },
      { attribute: 3, relation: null, column: 0 },
    ]);
  });

  it('reads names with blanks, braces and colons as the server escapes them', () => {
    expect(parseNodeTree('{A :name :odd\\ name :list (1 (2) {B :x <>}) :bytes 4 [ 1 0 ]}')).toMatchObject({
      type: 'A',
      fields: new Map<string, unknown>([
        [':name', [':odd\\ name']],
        [':list', [['1', ['2'], { type: 'B', fields: new Map([[':x', ['<>']]]) }]]],
        [':bytes', ['4', '[', '1', '0', ']']],
      ]),
    });
  });
});

describe('candidates for a key', () => {
  const shown = [1, 2, 3].map((attribute) => ({ attribute, relation: 16384, column: attribute }));
  const keys = (distinct: number[] | null) => ({ distinct, shown });
  const isKey = (_: number, column: number): boolean => column === 2;

  it('are what the query makes distinct, else keys of tables, else columns of a type that identifies', () => {
    expect(candidatesOf(matview, keys([3, 1]), isKey)).toEqual([{ attributes: [3, 1], source: 'query' }]);
    expect(candidatesOf(matview, keys(null), isKey)).toEqual([
      { attributes: [2], source: 'table' },
      { attributes: [1], source: 'rows' },
    ]);
  });

  it('are not what statistics saw repeat, nor of types that others compare', () => {
    const columns = matview.columns.map((column) => ({ ...column, repeats: true }));
    expect(candidatesOf({ ...matview, columns }, keys(null), isKey)).toEqual([]);
    const foreign = matview.columns.map((column) => ({ ...column, kind: 'other' as const }));
    expect(candidatesOf({ ...matview, columns: foreign }, keys([1]), isKey)).toEqual([]);
    expect(candidatesOf({ ...matview, columns: foreign }, keys(null), () => true)).toEqual([]);
  });
});
