import {
  type Executor,
  type PlannedStep,
  type StepOutcome,
  type StepRun,
  TargetError,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { type MetricsFacts, readMetricsFacts } from './facts.ts';
import { planMetrics } from './plan.ts';
import { isReadName, toSamples } from './samples.ts';
import { type MetricsCollectionConfig, taskType } from './schema.ts';

/** Reads only, over the observer. */
export const metricsCollection: Executor<MetricsCollectionConfig, MetricsFacts> = {
  taskType,
  readFacts: readMetricsFacts,
  plan: planMetrics,
  runStep: collect,
  summarise: (results) => ({
    samples: results.reduce(
      (total, { outcome }) => total + (outcome.kind === 'done' ? Number(outcome.result['samples'] ?? 0) : 0),
      0,
    ),
  }),
};

async function collect(step: PlannedStep, run: StepRun<MetricsCollectionConfig>): Promise<StepOutcome> {
  const [statement] = step.statements;
  const { read, object } = step.data;
  if (statement === undefined || !isReadName(read))
    throw new Error(`expected a read with its statement in ${step.key}`);
  const rows = await readUnlessAway(run, statement);
  if (rows === 'locked') return { kind: 'skipped', reason: rows };
  if (rows.length === 0 && object !== undefined) return { kind: 'skipped', reason: 'gone' };
  const locked = rows.filter((row) => row['locked'] === true);
  const samples = rows.filter((row) => row['locked'] !== true).flatMap((row) => toSamples(read, row, String(object)));
  run.sample(samples);
  const [measured] = samples;
  const figures = read.endsWith('_bloat') && measured !== undefined ? measured.values : {};
  return {
    kind: 'done',
    result: { samples: samples.length, locked: locked.map((row) => row['object'] ?? null), ...figures },
  };
}

/** An object may be locked or dropped between plan and read: that is a reason, not a failure. */
async function readUnlessAway(
  run: StepRun<MetricsCollectionConfig>,
  statement: string,
): Promise<readonly JsonObject[] | 'locked'> {
  try {
    return await run.observer.query<JsonObject>(statement);
  } catch (error) {
    if (error instanceof TargetError && error.code === 'lock_timeout') return 'locked';
    throw error;
  }
}
