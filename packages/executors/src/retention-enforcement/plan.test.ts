import { describe, expect, it } from 'vitest';
import type { DeleteFacts, LeafFacts } from './delete-facts.ts';
import type { RuleFacts } from './facts.ts';
import type { FanOut } from './foreign-keys.ts';
import type { PartitionFacts } from './partitions.ts';
import { planRetention } from './plan.ts';
import { type RetentionRule, taskType } from './schema.ts';

const rule = (rest: Partial<RetentionRule> = {}): RetentionRule => {
  const [first] = taskType.config.parse({ rules: [{ table: 'events', column: 'at', keep_days: 30, ...rest }] }).rules;
  if (first === undefined) throw new Error('expected one rule');
  return first;
};

const partition = (oid: number, rest: Partial<PartitionFacts> = {}): PartitionFacts => ({
  oid,
  schema: 'public',
  name: `e${oid}`,
  quoted: `public.e${oid}`,
  relkind: 'r',
  parentOid: 1,
  parent: 'public.events',
  bound: `FOR VALUES FROM (MINVALUE) TO ('2026-01-01')`,
  upper: '2026-01-01',
  order: oid,
  expired: true,
  isDefault: false,
  pending: false,
  divides: false,
  defaultPartition: null,
  defaultRows: 0,
  pendingSibling: null,
  sizeBytes: 8192,
  estimatedRows: 10,
  rows: 12,
  held: 0,
  dependents: [],
  alsoLocks: [],
  hasForeign: false,
  rowSecurity: false,
  permitted: true,
  grant: null,
  ...rest,
});

const leaf = (rest: Partial<LeafFacts> = {}): LeafFacts => ({
  oid: 7,
  schema: 'public',
  name: 'events',
  quoted: 'public.events',
  relkind: 'r',
  sizeBytes: 8192,
  indexed: true,
  rowSecurity: false,
  hasDeleteRule: false,
  triggers: [],
  permitted: true,
  grant: null,
  fanOut: [],
  rows: 12,
  held: 0,
  ...rest,
});

const facts = (work: RuleFacts['work'], rest: Partial<RuleFacts> = {}): RuleFacts => ({
  rule: rule(),
  pointer: '/rules/0',
  table: { oid: 1, schema: 'public', name: 'events', quoted: 'public.events', relkind: 'p', exclusion: null },
  axis: { column: 'at', type: 'timestamptz' },
  cutoff: { at: '2026-10-31 12:00:00+00', value: '2026-10-31 12:00:00+00' },
  holds: [],
  method: work.kind === 'delete' ? 'delete' : 'drop',
  folder: null,
  work,
  ...rest,
});

const partitions = (...expired: PartitionFacts[]): RuleFacts['work'] => ({
  kind: 'partitions',
  checked: 9,
  expired,
  waiting: ['public.e8'],
});
const leaves = (...all: LeafFacts[]): DeleteFacts => ({ kind: 'delete', leaves: all });

describe('a plan about partitions', () => {
  it('detaches CONCURRENTLY and drops, and says that there is no way back', () => {
    expect(planRetention({ rules: [facts(partitions(partition(5, { alsoLocks: ['public.users'] })))] })).toMatchObject({
      checked: 9,
      steps: [
        {
          key: 'public.e5',
          statements: ['ALTER TABLE public.events DETACH PARTITION public.e5 CONCURRENTLY', 'DROP TABLE public.e5'],
          reversible: false,
          cost: { action: 'retention' },
          data: { table_oid: 5, also_locks: ['public.users'], undo: expect.stringContaining('cannot be brought back') },
        },
      ],
    });
  });

  it('can be taken back where it only detaches', () => {
    const [step] = planRetention({ rules: [facts(partitions(partition(5)), { method: 'detach' })] }).steps;
    expect(step).toMatchObject({
      statements: ['ALTER TABLE public.events DETACH PARTITION public.e5 CONCURRENTLY'],
      reversible: true,
      data: {
        undo: `ALTER TABLE public.events ATTACH PARTITION public.e5 FOR VALUES FROM (MINVALUE) TO ('2026-01-01')`,
      },
    });
  });

  it('locks the whole table where there is a DEFAULT partition', () => {
    const [step] = planRetention({
      rules: [facts(partitions(partition(5, { defaultPartition: 'public.others' })))],
    }).steps;
    expect(step).toMatchObject({
      statements: ['ALTER TABLE public.events DETACH PARTITION public.e5', 'DROP TABLE public.e5'],
      data: { table_oid: 1, mode: 'plain' },
    });
  });

  it.each<[string, Partial<PartitionFacts>]>([
    ['legal_hold: 3 rows', { held: 3 }],
    ['row_security: policies hide rows from our role', { rowSecurity: true }],
    ['foreign_table', { hasForeign: true }],
    ['default_not_read: public.others', { defaultPartition: 'public.others', defaultRows: 'unknown' }],
    ['default_holds_expired_rows: public.others', { defaultPartition: 'public.others', defaultRows: 1 }],
    ['detach_pending: public.e9', { pendingSibling: 'public.e9' }],
    ['has_dependents: view public.v; view public.w', { dependents: ['view public.v', 'view public.w'] }],
  ])('leaves one alone: %s', (reason, what) => {
    expect(planRetention({ rules: [facts(partitions(partition(5, what), partition(6)))] })).toMatchObject({
      steps: [{ key: 'public.e6' }],
      skipped: [{ object: 'public.e5', reason }, { object: 'public.e8' }],
    });
  });

  it('takes on no more than it may, what was cut short first', () => {
    const all = partitions(partition(6, { pending: true }), partition(5), partition(7));
    expect(planRetention({ rules: [facts(all, { rule: rule({ max_partitions: 2 }) })] })).toMatchObject({
      steps: [
        { key: 'public.e6', statements: [expect.stringMatching(/FINALIZE$/), 'DROP TABLE public.e6'] },
        { key: 'public.e5' },
      ],
      skipped: [
        { object: 'public.e7', reason: 'over_max_partitions' },
        { object: 'public.e8', reason: 'over_max_partitions' },
      ],
    });
  });

  it('plans nothing twice, and says what it lacks or could not count', () => {
    const grant = 'GRANT owner TO care';
    const one = facts(partitions(partition(5, { permitted: false, grant }), partition(6, { rows: 'unknown' })));
    expect(planRetention({ rules: [one, facts(partitions(partition(5)))] })).toMatchObject({
      steps: [{ key: 'public.e5' }, { key: 'public.e6' }],
      skipped: [{ object: 'public.e8' }, { object: 'public.e8' }, { object: 'public.e5', reason: 'under_two_rules' }],
      unknown: [
        { object: 'public.e5', reason: 'insufficient_privilege', grant },
        { object: 'public.e6', reason: 'not_counted_in_time', grant: null },
      ],
    });
  });
});

describe('a plan about rows', () => {
  it('is no step where nothing is expired', () => {
    const plan = planRetention({
      rules: [facts(leaves(leaf({ rows: 0 }), leaf({ relkind: 'f', quoted: 'public.far' })))],
    });
    expect(plan).toEqual({
      steps: [],
      checked: 2,
      skipped: [{ object: 'public.far', reason: 'foreign_table' }],
      unknown: [],
    });
  });

  it('deletes by the index, holds and references left out', () => {
    const key = (onDelete: FanOut['onDelete'], table: string): FanOut => ({
      oid: 1,
      constraint: 'k',
      table,
      tableOid: 2,
      onDelete,
      columns: ['event_id'],
      referenced: ['id'],
      operators: ['OPERATOR(pg_catalog.=)'],
      indexed: true,
      grant: null,
      depth: 1,
      rows: 1,
    });
    const holds = [{ column: 'case_id', type: 'integer', values: ['1', '2'] }];
    const rows = leaf({ fanOut: [key('CASCADE', 'public.item'), key('RESTRICT', 'public.bill')] });
    const [step] = planRetention({ rules: [facts(leaves(rows), { holds })] }).steps;
    expect(step?.statements).toEqual([
      'WITH gone AS (DELETE FROM ONLY public.events AS t WHERE t.ctid = ANY (ARRAY(SELECT t.ctid FROM ONLY public.events AS t WHERE t.at < $1::timestamptz AND t.at >= $2::timestamptz AND (t.case_id OPERATOR(pg_catalog.=) ANY ($4::integer[])) IS NOT TRUE AND NOT EXISTS (SELECT FROM public.bill AS k0 WHERE t.id OPERATOR(pg_catalog.=) k0.event_id) ORDER BY t.at LIMIT $3::int4 FOR UPDATE OF t SKIP LOCKED)) RETURNING t.at AS at) SELECT count(*)::float8 AS rows, max(gone.at)::text AS last FROM gone',
    ]);
    expect(step).toMatchObject({
      reversible: false,
      lockMode: 'ROW EXCLUSIVE',
      data: {
        from: '-infinity',
        hold_parameters: [['1', '2']],
        fan_out: [{ on_delete: 'CASCADE' }, { on_delete: 'RESTRICT' }],
      },
    });
  });

  it('is a transaction around each batch where rows are exported', () => {
    const [step] = planRetention({
      rules: [facts(leaves(leaf({ rows: 'unknown', indexed: false })), { folder: '/exports' })],
    }).steps;
    expect(step).toMatchObject({
      statements: ['BEGIN', expect.stringContaining('row_to_json(t.*)'), 'COMMIT'],
      expectedSeconds: null,
      data: { scan: true, export_to: '/exports' },
    });
    expect(step?.statements[1]).toContain('t.ctid >= $2::tid AND t.ctid < $4::tid LIMIT $3::int4');
  });
});
