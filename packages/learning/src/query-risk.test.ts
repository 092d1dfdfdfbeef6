import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { featureNames } from './query-features.ts';
import { type RiskSample, riskOf, scoreOf, trainRiskModel } from './query-risk.ts';

const now = new Date('2026-11-30T00:00:00Z');
const cost = featureNames.indexOf('plan_cost');
const joins = featureNames.indexOf('joins');
const limit = featureNames.indexOf('has_limit');
/** Training computes for seconds where others do so too. */
const patienceMs = 60_000;

/** An hour each, the last one now; dice that fall the same every time. */
function samples(
  count: number,
  of: (dice: () => number, at: number) => { id: string; set: Record<number, number>; slow: boolean },
) {
  let seed = 7;
  const dice = (): number => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  return Array.from({ length: count }, (_, at): RiskSample => {
    const { id, set, slow } = of(dice, at);
    const features = featureNames.map((_name, position) => set[position] ?? 0);
    return { id, at: new Date(now.getTime() - (count - at) * 60_000), features, slow };
  });
}

describe('scoreOf', () => {
  it('counts as a person would', () => {
    const slow = [true, true, true, false, false].map((is) => ({ slow: is }));
    expect(scoreOf(slow, [true, true, false, true, false])).toEqual({
      accuracy: 3 / 5,
      precision: 2 / 3,
      recall: 2 / 3,
      f1: 2 / 3,
    });
    expect(scoreOf(slow, [false, false, false, false, false])).toMatchObject({ precision: null, recall: 0, f1: 0 });
    expect(scoreOf([{ slow: false }], [false])).toMatchObject({ accuracy: 1, recall: null });
  });

  it('stays between 0 and 1', () => {
    const pairs = fc.array(fc.tuple(fc.boolean(), fc.boolean()), { minLength: 1 });
    fc.assert(
      fc.property(pairs, (each) => {
        const { accuracy, f1 } = scoreOf(
          each.map(([slow]) => ({ slow })),
          each.map(([, called]) => called),
        );
        expect(accuracy).toBeGreaterThanOrEqual(0);
        expect(accuracy).toBeLessThanOrEqual(1);
        expect(f1).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('trainRiskModel', () => {
  /** Slow is what joins much and has no limit: the plan's cost does not tell, and every statement is new. */
  const learnable = samples(300, (dice, at) => {
    const set = { [joins]: Math.floor(dice() * 6), [limit]: Math.round(dice()), [cost]: dice() * 5 };
    return { id: `s${at}`, set, slow: (set[joins] ?? 0) >= 3 && set[limit] === 0 };
  });

  it(
    'learns what a rule cannot, says by how much it wins, and is then used',
    () => {
      const trained = trainRiskModel(learnable, now);
      if (trained.kind !== 'trained') throw new Error(trained.reason);
      const { model } = trained;
      expect(model.score.f1).toBeGreaterThan(0.9);
      expect(model.rule.score.f1).toBeLessThan(0.6);
      expect(model).toMatchObject({ samples: 300, used: true, trainedAt: now.toISOString() });

      const stored = JSON.parse(JSON.stringify(model));
      const features = (set: Record<number, number>) => featureNames.map((_, position) => set[position] ?? 0);
      expect(riskOf(stored, features({ [joins]: 5, [cost]: 2 }))).toBeGreaterThan(0.5);
      expect(riskOf(stored, features({ [joins]: 5, [limit]: 1, [cost]: 2 }))).toBeLessThan(0.5);
      expect(riskOf({ ...stored, features: ['other'] }, features({}))).toBeUndefined();
    },
    patienceMs,
  );

  it(
    'prints the score that is found by asking the stored model about the later samples',
    () => {
      const trained = trainRiskModel(learnable, now);
      if (trained.kind !== 'trained') throw new Error(trained.reason);
      const later = learnable.slice(210);
      const called = later.map(({ features }) => (riskOf(trained.model, features) ?? 0) > 0.5);
      expect(scoreOf(later, called).accuracy).toBeCloseTo(trained.model.score.accuracy, 1);
      expect(trainRiskModel(learnable.toReversed(), now)).toEqual(trained);
    },
    patienceMs,
  );

  it(
    'trains with no more samples than it has time for, of all times and statements, and is judged by all later ones',
    () => {
      const many = samples(4_800, (_, at) => {
        const which = at % 200;
        return { id: `s${which}`, set: { [joins]: which % 6, [cost]: which % 7 }, slow: which % 6 >= 3 };
      });
      const trained = trainRiskModel(many, now);
      if (trained.kind !== 'trained') throw new Error(trained.reason);
      expect(trained.model).toMatchObject({ samples: 4_800, score: { accuracy: 1 } });
    },
    patienceMs,
  );

  it(
    'is not used where the plan’s cost, or what was slow before, tells as much',
    () => {
      const byCost = samples(200, (dice, at) => {
        const magnitude = dice() * 6;
        return { id: `s${at}`, set: { [cost]: magnitude, [joins]: Math.floor(dice() * 4) }, slow: magnitude > 3 };
      });
      expect(trainRiskModel(byCost, now)).toMatchObject({
        kind: 'trained',
        model: { used: false, rule: { name: 'plan_cost' } },
      });
      const byName = samples(200, (dice) => {
        const which = Math.floor(dice() * 10);
        return { id: `s${which}`, set: { [joins]: which }, slow: which === 3 || which === 7 };
      });
      expect(trainRiskModel(byName, now)).toMatchObject({ model: { used: false, rule: { name: 'slow_before' } } });
    },
    patienceMs,
  );

  it.each([
    ['too few', learnable.slice(0, 49), '50 samples are needed'],
    [
      'none slow',
      learnable.map((sample) => ({ ...sample, slow: false })),
      'the earlier samples are all slow or all fast',
    ],
    ['one moment', learnable.map((sample) => ({ ...sample, at: now })), 'all samples are of one moment'],
  ])('says plainly when it cannot: %s', (_, given, reason) => {
    expect(trainRiskModel(given, now)).toMatchObject({ kind: 'not_enough_data', reason });
  });
});
