import type { amcheck } from '@slacktide/checks';
import { describe, expect, it } from 'vitest';
import type { ComparedTable } from './compared-tables.ts';
import type { ReplicaFacts } from './facts.ts';
import { planValidation } from './plan.ts';
import { replicationSettings, taskType } from './schema.ts';

const mebibyte = 1024 * 1024;
const config = (given: object = {}) => taskType.config.parse(given);
const index = (oid: number, megabytes = 1): amcheck.RelationRow => ({
  oid,
  kind: 'index',
  schema: 'public',
  name: `i${oid}`,
  quoted: `public.i${oid}`,
  table: 't',
  tableOid: 1,
  toastOf: null,
  excluded: null,
  locked: false,
  sizeBytes: megabytes * mebibyte,
  companionBytes: 0,
  collations: [],
});
const table = (name: string, changes: Partial<ComparedTable> = {}): ComparedTable => ({
  oid: 7,
  schema: 'public',
  name,
  quoted: `public.${name}`,
  sizeBytes: mebibyte,
  digest: `SELECT 1 FROM public.${name}`,
  obstacle: null,
  grant: null,
  ...changes,
});
const facts = (changes: Partial<ReplicaFacts> = {}): ReplicaFacts => ({
  inRecovery: false,
  day: '2026-11-22',
  settings: replicationSettings(config()),
  standbys: [
    { name: 'one', unreachable: null },
    { name: 'two', unreachable: 'unreachable: refused' },
  ],
  content: null,
  tables: [],
  ...changes,
});

describe('the plan of REPLICA_VALIDATION', () => {
  it('draws another sample every day, the same all day, within its budget', () => {
    const indexes = Array.from({ length: 40 }, (_, at) => index(at + 1));
    const verifier = { kind: 'usable', schema: 'public', name: 'bt_index_check', parameters: 2 } as const;
    const sample = (day: string, given: object = {}) =>
      planValidation(facts({ day, content: { verifier, indexes } }), config({ content_check: true, ...given }))
        .steps.filter(({ data }) => data['work'] === 'verify')
        .map(({ object }) => object.oid);
    expect(sample('2026-11-22')).toHaveLength(20);
    expect(sample('2026-11-22')).toEqual(sample('2026-11-22'));
    expect(sample('2026-11-22')).not.toEqual(sample('2026-11-23'));
    expect(sample('2026-11-22', { content_max_mb: 3 })).toHaveLength(3);
    const days = Array.from({ length: 30 }, (_, day) => sample(`2026-12-${day}`)).flat();
    expect(new Set(days).size).toBe(40);
  });

  it('compares what may be read, is not too large, and has a primary here', () => {
    const tables = [
      table('good'),
      table('large', { sizeBytes: 300 * mebibyte }),
      table('hidden', { obstacle: 'insufficient_privilege', grant: 'GRANT x' }),
      table('guarded', { obstacle: 'row_security' }),
    ];
    const plan = planValidation(facts({ tables }), config());
    expect(plan.steps.map(({ key }) => key)).toEqual(['replication', 'standby one', 'rows of public.good on one']);
    expect(plan.skipped).toEqual([
      { object: 'public.large', reason: 'larger_than_compare_max_mb' },
      { object: 'public.guarded', reason: 'row_security' },
    ]);
    expect(plan.unknown).toEqual([
      { object: 'standby two', reason: 'unreachable: refused', grant: null },
      { object: 'public.hidden', reason: 'insufficient_privilege', grant: 'GRANT x' },
    ]);
    expect(planValidation(facts({ tables: [table('good')], inRecovery: true }), config()).skipped).toEqual([
      { object: 'public.good', reason: 'target_is_a_standby' },
    ]);
  });
});
