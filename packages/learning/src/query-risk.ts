import { RandomForestClassifier } from 'ml-random-forest';
import { featureNames } from './query-features.ts';

/** One statement in one span of time: what it looked like, and whether it was slow. */
export interface RiskSample {
  /** Of the statement. */
  readonly id: string;
  readonly at: Date;
  /** As `queryFeatures` gives them. */
  readonly features: readonly number[];
  readonly slow: boolean;
}

/** How often a judge was right on samples it had not seen. */
export interface Score {
  /** Share of right answers, 0 to 1. */
  readonly accuracy: number;
  /** Of those called slow, the share that were; null when it called none slow. */
  readonly precision: number | null;
  /** Of those that were slow, the share it called so; null when none was. */
  readonly recall: number | null;
  /** Harmonic mean of precision and recall; 0 where either is nothing. */
  readonly f1: number;
}

/** A trained judge, as it is stored. */
export interface RiskModel {
  readonly trainedAt: string;
  readonly samples: number;
  readonly slowSamples: number;
  readonly features: readonly string[];
  /** On the later part of the samples, which it was not trained with. */
  readonly score: Score;
  /** The trivial rule on the same samples: slow is what EXPLAIN puts above this cost, or what was slow before. */
  readonly rule: { readonly name: string; readonly threshold: number | null; readonly score: Score };
  /** It beat the rule: only then it is used. */
  readonly used: boolean;
  readonly forest: unknown;
}

export type Training =
  | { readonly kind: 'trained'; readonly model: RiskModel }
  | { readonly kind: 'not_enough_data'; readonly samples: number; readonly reason: string };

/** Of the document that the step comes from. */
const leastSamples = 50;
/** Earlier samples train, later ones judge: a judge is asked about what comes, not about what was. */
const trainingShare = 0.7;
/** A tree takes time by the square of its samples, and all else waits: 500 take a second or so. */
const mostTraining = 500;
/** Each tree sees nearly all features: few of them matter, and a tree without those votes for the majority. */
const forestOptions = { seed: 1, maxFeatures: 0.9, replacement: false, nEstimators: 25, useSampleBagging: true };
const goldenRatio = (1 + Math.sqrt(5)) / 2;
const planCost = featureNames.indexOf('plan_cost');

/** Trains on the earlier samples and judges by the later ones, beside a trivial rule. Pure: the same samples give the same model. */
export function trainRiskModel(samples: readonly RiskSample[], now: Date): Training {
  const sorted = samples.toSorted((a, b) => a.at.getTime() - b.at.getTime() || (a.id < b.id ? -1 : 1));
  if (sorted.length < leastSamples) {
    return { kind: 'not_enough_data', samples: sorted.length, reason: `${leastSamples} samples are needed` };
  }
  const cut = cutAtInstant(sorted, Math.floor(sorted.length * trainingShare));
  const training = thinned(sorted.slice(0, cut));
  const test = sorted.slice(cut);
  if (test.length === 0) return notEnough(sorted, 'all samples are of one moment');
  if (!bothSeen(training)) return notEnough(sorted, 'the earlier samples are all slow or all fast');
  if (!bothSeen(test)) return notEnough(sorted, 'the later samples are all slow or all fast');
  const forest = new RandomForestClassifier(forestOptions);
  forest.train(
    training.map(({ features }) => [...features]),
    training.map(({ slow }) => (slow ? 1 : 0)),
  );
  const score = scoreOf(test, predictAll(forest, test));
  const rule = bestRule(training, test);
  return {
    kind: 'trained',
    model: {
      trainedAt: now.toISOString(),
      samples: sorted.length,
      slowSamples: sorted.filter(({ slow }) => slow).length,
      features: featureNames,
      score,
      rule,
      used: score.f1 > rule.score.f1,
      forest: forest.toJSON(),
    },
  };
}

/** How likely a statement is slow, 0 to 1, by a stored model; undefined for a model of other features. */
export function riskOf(model: Pick<RiskModel, 'features' | 'forest'>, features: readonly number[]): number | undefined {
  if (model.features.join() !== featureNames.join()) return undefined;
  const forest = RandomForestClassifier.load(model.forest as never);
  return forest.predictProbability([[...features]], 1)[0];
}

function notEnough(samples: readonly RiskSample[], reason: string): Training {
  return { kind: 'not_enough_data', samples: samples.length, reason };
}

/** Samples of one moment are not torn apart: they know of each other. */
function cutAtInstant(sorted: readonly RiskSample[], wanted: number): number {
  const at = sorted[wanted]?.at.getTime();
  const first = sorted.findIndex((sample) => sample.at.getTime() === at);
  if (first > 0) return first;
  const next = sorted.findIndex((sample) => sample.at.getTime() > (at ?? 0));
  return next === -1 ? sorted.length : next;
}

/** Of more than can be trained with, as many as can, spread over time and statements: the golden ratio falls in step with neither. */
function thinned(samples: readonly RiskSample[]): readonly RiskSample[] {
  const share = mostTraining / samples.length;
  return samples.filter((_, position) => (position * goldenRatio) % 1 < share);
}

function bothSeen(samples: readonly RiskSample[]): boolean {
  return samples.some(({ slow }) => slow) && samples.some(({ slow }) => !slow);
}

function predictAll(forest: RandomForestClassifier, samples: readonly RiskSample[]): readonly boolean[] {
  return forest.predict(samples.map(({ features }) => [...features])).map((label) => label === 1);
}

/** The better of two rules anybody would think of, chosen by the earlier samples alone. */
function bestRule(training: readonly RiskSample[], test: readonly RiskSample[]): RiskModel['rule'] {
  const threshold = bestThreshold(training);
  const slowBefore = new Set(training.filter(({ slow }) => slow).map(({ id }) => id));
  const rules = [
    { name: 'plan_cost', threshold, judge: ({ features }: RiskSample) => (features[planCost] ?? -1) >= threshold },
    { name: 'slow_before', threshold: null, judge: ({ id }: RiskSample) => slowBefore.has(id) },
  ];
  const scored = rules.map((rule) => ({ ...rule, score: scoreOf(test, test.map(rule.judge)) }));
  const [best] = scored.toSorted((a, b) => b.score.f1 - a.score.f1);
  if (best === undefined) throw new Error('expected a rule');
  return { name: best.name, threshold: best.threshold, score: best.score };
}

/** The plan cost, by its order of magnitude, that parts slow from fast best. */
function bestThreshold(training: readonly RiskSample[]): number {
  const costs = [...new Set(training.map(({ features }) => features[planCost] ?? -1))];
  const scored = costs.map((cost) => ({
    cost,
    f1: scoreOf(
      training,
      training.map(({ features }) => (features[planCost] ?? -1) >= cost),
    ).f1,
  }));
  return scored.toSorted((a, b) => b.f1 - a.f1 || a.cost - b.cost)[0]?.cost ?? 0;
}

/** By counting. */
export function scoreOf(samples: readonly Pick<RiskSample, 'slow'>[], called: readonly boolean[]): Score {
  const count = (slow: boolean, said: boolean): number =>
    samples.filter((sample, position) => sample.slow === slow && called[position] === said).length;
  const hits = count(true, true);
  const falseAlarms = count(false, true);
  const missed = count(true, false);
  const precision = hits + falseAlarms === 0 ? null : hits / (hits + falseAlarms);
  const recall = hits + missed === 0 ? null : hits / (hits + missed);
  const f1 = hits === 0 ? 0 : (2 * hits) / (2 * hits + falseAlarms + missed);
  return { accuracy: (hits + count(false, false)) / samples.length, precision, recall, f1 };
}
