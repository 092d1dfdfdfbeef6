import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { ConstraintState } from './constraints.ts';
import type { InvalidConstraint, SchemaFacts } from './facts.ts';
import { planSchemaValidation } from './plan.ts';
import { taskType } from './schema.ts';

const mebibyte = 1024 * 1024;
const state = (oid: number, changes: Partial<ConstraintState> = {}): ConstraintState => ({
  oid,
  schema: 'public',
  table: 'orders',
  name: `c${oid}`,
  quoted: `public.orders.c${oid}`,
  tableOid: 1,
  validated: false,
  inherited: false,
  sizeBytes: mebibyte,
  permitted: true,
  grant: null,
  ...changes,
});
const invalid = (own: ConstraintState | undefined, changes: Partial<FoundFinding> = {}): InvalidConstraint => ({
  state: own,
  finding: {
    fingerprint: `constraint:${own?.quoted}`,
    severity: 'warning',
    object: { kind: 'constraint', schema: 'public', name: own?.name ?? 'gone', table: 'orders' },
    summary: 'it was never validated',
    evidence: { violators: 0 },
    action: {
      sql: [`ALTER TABLE public.orders VALIDATE CONSTRAINT ${own?.name}`],
      rollbackSql: [],
      lockMode: null,
      class: 'idempotent',
    },
    ...changes,
  },
});
const report: CheckReport = {
  check: 'invalid_constraint',
  checked: 5,
  skipped: [],
  unknown: [],
  findings: [],
  unjudged: [],
  figures: {},
};
const plan = (
  constraints: readonly InvalidConstraint[],
  named: readonly ConstraintState[] | null = null,
  given: object = {},
) => {
  const facts: SchemaFacts = { database: 'shop', invalid: { report, constraints, named } };
  return planSchemaValidation(facts, taskType.config.parse({ validate_constraints: true, ...given }));
};
const keys = ({ steps }: ReturnType<typeof plan>) => steps.map(({ key }) => key);

describe('the plan of SCHEMA_VALIDATION', () => {
  it('looks at drift alone, without a lock, unless constraints are asked for', () => {
    const drift = planSchemaValidation({ database: 'shop', invalid: null }, taskType.config.parse({}));
    expect(drift.steps).toMatchObject([{ key: 'schema_drift', statements: [], lockMode: null }]);
  });

  it('validates the smallest first, up to the budget, and looks at what is left', () => {
    const sizes = [
      invalid(state(1, { sizeBytes: 5 * mebibyte })),
      invalid(state(2)),
      invalid(state(3, { sizeBytes: 2 * mebibyte })),
    ];
    const small = plan(sizes, null, { max_mb: 4 });
    expect(keys(small)).toEqual(['schema_drift', 'public.orders.c2', 'public.orders.c3', 'invalid_constraint']);
    expect(small.skipped).toEqual([{ object: 'public.orders.c1', reason: 'over_max_mb' }]);
    expect(small.steps[1]).toMatchObject({
      statements: ['ALTER TABLE public.orders VALIDATE CONSTRAINT c2'],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
      cost: { action: 'validate' },
      data: { table_oid: 1, constraint_oid: 2, violators: 0, reason: 'not_validated' },
    });
  });

  it('never tries what rows break, what is a domain, or what is not ours', () => {
    const broken = invalid(state(1), { action: null, evidence: { violators: 3, no_action_because: 'rows break it' } });
    const domain = invalid(undefined, {
      object: { kind: 'domain_constraint', schema: 'public', name: 'd', table: null },
    });
    const foreign = invalid(state(2, { permitted: false, grant: 'GRANT o TO r' }));
    const result = plan([broken, domain, foreign, invalid(undefined)]);
    expect(keys(result)).toEqual(['schema_drift', 'invalid_constraint']);
    expect(result.skipped.map(({ reason }) => reason).sort()).toEqual(['domain', 'gone', 'rows break it']);
    expect(result.unknown).toEqual([
      { object: 'public.orders.c2', reason: 'insufficient_privilege', grant: 'GRANT o TO r' },
    ]);
  });

  it('takes those that are named, whatever they cost, and says why not', () => {
    const [large, other] = [state(1, { sizeBytes: 99 * mebibyte, permitted: false }), state(2)];
    const named = [large, state(7, { validated: true }), state(8, { inherited: true })];
    const result = plan([invalid(large), invalid(other)], named, { max_mb: 1 });
    expect(keys(result)).toEqual(['schema_drift', 'public.orders.c1', 'invalid_constraint']);
    expect(result.steps[1]?.data['reason']).toBe('named');
    expect(result.skipped).toEqual([
      { object: 'public.orders.c7', reason: 'already_valid' },
      { object: 'public.orders.c8', reason: 'validated_with_its_parent' },
    ]);
  });
});
