import { RandomForestClassifier } from 'ml-random-forest';
import { describe, expect, it } from 'vitest';
import { readStatements } from '../test/recordings/recording.ts';
import { isSlow, learnPatterns } from './learn-patterns.ts';
import { featureNames, queryFeatures } from './query-features.ts';
import { type RiskModel, type RiskSample, trainRiskModel } from './query-risk.ts';
import { queryShape } from './query-shape.ts';

const recording = readStatements();
const start = new Date('2026-01-01T00:00:00Z');
const at = (step: number): Date => new Date(start.getTime() + step * recording.stepHours * 3_600_000);
const planCost = featureNames.indexOf('plan_cost');

/** A sample for each statement and step in which it was executed, as care makes them. */
async function samplesOf(): Promise<readonly RiskSample[]> {
  const samples: RiskSample[] = [];
  for (const { query, plan, executions } of recording.statements) {
    const shape = await queryShape(query);
    if (shape === undefined) throw new Error(`no shape of ${query}`);
    const features = queryFeatures(shape, plan);
    for (const [step, executed] of executions.entries()) {
      if (executed === null) continue;
      samples.push({ id: query, at: at(step), features, slow: isSlow({ usualMs: undefined }, executed.meanMs) });
    }
  }
  return samples;
}

/** The last step of the earlier 70 of 100 samples, found by counting. */
function parted(samples: readonly RiskSample[]): { earlier: readonly RiskSample[]; later: readonly RiskSample[] } {
  const before = (step: number) => samples.filter((sample) => sample.at < at(step));
  const steps = recording.statements[0]?.executions.length ?? 0;
  let split = 0;
  while (split < steps && before(split + 1).length <= samples.length * 0.7) split += 1;
  return { earlier: before(split), later: samples.filter((sample) => sample.at >= at(split)) };
}

/** As a person counts: how many of each of the four kinds there are. */
function tally(samples: readonly RiskSample[], calls: (sample: RiskSample) => boolean) {
  let [hits, falseAlarms, missed, rest] = [0, 0, 0, 0];
  for (const sample of samples) {
    const called = calls(sample);
    if (called && sample.slow) hits += 1;
    else if (called) falseAlarms += 1;
    else if (sample.slow) missed += 1;
    else rest += 1;
  }
  const precision = hits + falseAlarms === 0 ? null : hits / (hits + falseAlarms);
  const recall = hits / (hits + missed);
  const f1 = hits === 0 ? 0 : 2 / ((hits + falseAlarms) / hits + (hits + missed) / hits);
  return { accuracy: (hits + rest) / samples.length, precision, recall, f1: expect.closeTo(f1, 12), exactF1: f1 };
}

function train(samples: readonly RiskSample[]): RiskModel {
  const training = trainRiskModel(samples, at(100));
  if (training.kind !== 'trained') throw new Error(training.reason);
  return JSON.parse(JSON.stringify(training.model));
}

/** Training takes a while, and the same samples give the same model. */
const samples = await samplesOf();
const model = train(samples);

describe('recorded statements', () => {
  it('are found slow exactly where they were made so', () => {
    const seen = recording.statements.map(({ query, executions }) => ({
      id: query,
      usualMs: undefined,
      windows: executions.flatMap((executed, step) => (executed === null ? [] : [{ at: at(step), ...executed }])),
    }));
    const slow = learnPatterns(seen).filter(({ kind }) => kind === 'slow');
    const made = recording.statements.filter(({ madeSlow }) => madeSlow);
    expect(slow.map(({ id }) => id).sort()).toEqual(made.map(({ query }) => query).sort());
  });

  it('have no literal in their texts', () => {
    for (const { query } of recording.statements) expect(query.replaceAll(/\$\d+/g, '')).not.toMatch(/'|(?<![\w"])\d/);
  });

  it('are judged by a model whose score on later samples is the score that is counted by hand', () => {
    const { score, samples: count, slowSamples, forest } = model;
    const { later } = parted(samples);
    const loaded = RandomForestClassifier.load(forest as never);
    const { exactF1: _, ...byHand } = tally(later, ({ features }) => loaded.predict([[...features]])[0] === 1);
    expect(score).toEqual(byHand);
    expect(count).toBe(samples.length);
    expect(slowSamples).toBe(samples.filter(({ slow }) => slow).length);
  });

  it('are judged beside the better of two trivial rules, and by the model only where it wins', () => {
    const { score, rule, used } = model;
    const { earlier, later } = parted(samples);
    const slowBefore = new Set(earlier.filter(({ slow }) => slow).map(({ id }) => id));
    const costs = [...new Set(earlier.map(({ features }) => features[planCost] ?? 0))].sort((a, b) => a - b);
    const judgeBy = (threshold: number) => (sample: RiskSample) => (sample.features[planCost] ?? 0) >= threshold;
    const best = Math.max(...costs.map((cost) => tally(earlier, judgeBy(cost)).exactF1));
    const threshold = costs.find((cost) => tally(earlier, judgeBy(cost)).exactF1 === best) ?? 0;
    const rules = {
      plan_cost: tally(later, judgeBy(threshold)),
      slow_before: tally(later, ({ id }) => slowBefore.has(id)),
    };
    const name = rules.plan_cost.exactF1 >= rules.slow_before.exactF1 ? 'plan_cost' : 'slow_before';
    const { exactF1, ...byHand } = rules[name];
    expect(rule).toEqual({ name, threshold: name === 'plan_cost' ? threshold : null, score: byHand });
    expect(used).toBe(score.f1 > exactF1);
  });
});
