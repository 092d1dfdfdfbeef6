import { checkTypes } from '@slacktide/checks/schemas';
import {
  type CareSettings,
  type CheckName,
  careCheckConfigs,
  careSteps,
  effectiveCareSettings,
  type JsonObject,
} from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { CareFacts } from './facts.ts';
import { planCare } from './plan.ts';

const now = new Date('2026-11-30T03:00:00Z');
const hour = 3_600_000;
const before = (hours: number) => new Date(now.getTime() - hours * hour);

function factsOf(
  settings: JsonObject = {},
  lastRuns: readonly (readonly [CheckName, Date])[] = [],
  lastLearned: readonly (readonly [number, Date])[] = [],
): CareFacts {
  const effective = effectiveCareSettings([{ origin: 'target', settings }]);
  return { database: 'shop', ...effective, lastRuns: new Map(lastRuns), lastLearned: new Map(lastLearned), now };
}

const skips = (facts: CareFacts, force = false): Record<string, unknown> =>
  Object.fromEntries(planCare(facts, { force }).steps.map(({ key, data }) => [key, data['skip'] ?? null]));

describe('planCare', () => {
  it('has all steps in their order after sampling, none skipped the first time', () => {
    const plan = planCare(factsOf(), { force: false });
    expect(plan.steps.map(({ key }) => key)).toEqual(['sampling', ...careSteps.map(({ key }) => key)]);
    expect(plan.steps.flatMap(({ statements }) => statements)).toEqual([]);
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
    expect(Object.values(skips(factsOf())).filter((skip) => skip !== null)).toEqual([]);
  });

  it('skips every step when the master switch is off, forced or not', () => {
    const facts = factsOf({ operational: { maintenance_tasks: { enabled: false } } });
    const off = { status: 'skipped', reason: 'maintenance_tasks is disabled' };
    const all = Object.fromEntries(careSteps.map(({ key }) => [key, off]));
    expect(skips(facts)).toEqual(all);
    expect(skips(facts, true)).toEqual(all);
  });

  it('skips what is switched off, also when forced', () => {
    const facts = factsOf({ features: { index_cleanup: { enabled: false }, pattern_learning: { enabled: false } } });
    for (const force of [false, true]) {
      const off = { status: 'skipped', reason: 'disabled' };
      expect(skips(facts, force)).toMatchObject({ '06-unused-indexes': off, '08-pattern-learning': off });
    }
  });

  it.each([
    ['never ran', [], false],
    ['ran long ago', [['stale_statistics', before(24)]], false],
    ['ran a little later yesterday', [['stale_statistics', before(23.9)]], false],
    ['ran lately', [['stale_statistics', before(20)]], true],
  ] as const)('a step with an interval that %s', (_, runs, skipped) => {
    const dueAt = '2026-11-30T07:00:00.000Z';
    const skip = { status: 'skipped', reason: expect.stringContaining(`due again ${dueAt}`), due_at: dueAt };
    expect(skips(factsOf({}, runs))['09-statistics']).toEqual(skipped ? skip : null);
    expect(skips(factsOf({}, runs), true)['09-statistics']).toBeNull();
  });

  it('learns every hour, foretells and trains every day', () => {
    const learned = [
      [16, before(12)],
      [17, before(23.9)],
    ] as const;
    const told = skips(factsOf({}, [['slow_query_pattern', before(0.5)]], learned));
    expect(told['08-pattern-learning']).toMatchObject({ status: 'skipped' });
    expect(told['16-predictive-maintenance']).toMatchObject({ status: 'skipped' });
    expect(told['17-ml-training']).toBeNull();
    expect(skips(factsOf({}, [], learned), true)['16-predictive-maintenance']).toBeNull();
  });

  it('a step of two checks is due while one of them never ran, and by the earlier one', () => {
    const settings = { features: { redundant_index_detection: {}, integrity_check: { interval_hours: 10 } } };
    const of = (...runs: readonly (readonly [CheckName, Date])[]) => skips(factsOf(settings, runs))['01-integrity'];
    expect(of(['integrity', before(1)])).toBeNull();
    expect(of(['integrity', before(1)], ['invalid_constraint', before(11)])).toBeNull();
    expect(of(['integrity', before(1)], ['invalid_constraint', before(2)])).toMatchObject({ status: 'skipped' });
  });

  it('hands thresholds to the checks', () => {
    const { steps } = planCare(factsOf({ features: { index_cleanup: { min_scans: 50 } } }), { force: false });
    const unused = steps.find(({ key }) => key === '06-unused-indexes');
    expect(unused?.data['configs']).toEqual({ unused_index: { min_scans: 50, days_unused: 7 } });
  });

  it('admits no threshold that a check would refuse', () => {
    const least = {
      index_cleanup: { min_scans: 1, days_unused: 0 },
      index_health: { bloat_threshold: 0, min_size_mb: 0 },
      statistics_refresh: { stale_threshold_hours: 0.01, min_table_size_mb: 0 },
      advisory_lock_cleanup: { stale_after_seconds: 1 },
      stale_operation_check: { stale_after_seconds: 1 },
    };
    const { settings }: { settings: CareSettings } = effectiveCareSettings([
      { origin: 'fleet', settings: { features: least } },
    ]);
    for (const [name, config] of Object.entries(careCheckConfigs(settings))) {
      const type = checkTypes.find((known) => known.name === name);
      expect(type?.config.safeParse(config).error, name).toBeUndefined();
    }
    for (const features of [
      { index_cleanup: { min_scans: 0 } },
      { statistics_refresh: { stale_threshold_hours: 0 } },
    ]) {
      expect(() => effectiveCareSettings([{ origin: 'fleet', settings: { features } }])).toThrow('Too small');
    }
  });
});
