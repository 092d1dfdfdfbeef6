import { inspectConcurrent, sweepConcurrent } from '@slacktide/acting';
import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { dropIndex } from './drop.ts';
import { type OptimizeFacts, readOptimizeFacts } from './facts.ts';
import { planOptimize } from './plan.ts';
import { rebuildIndex } from './rebuild.ts';
import { type IndexOptimizeConfig, taskType } from './schema.ts';
import { ways } from './ways.ts';

/**
 * Fewer and better indexes. `never_retry` although each step looks again at everything: a task cut short may have dropped an index whose watch nobody has
 * begun, and whoever repeats it would find others to drop.
 */
export const indexOptimize: Executor<IndexOptimizeConfig, OptimizeFacts> = {
  taskType,
  readFacts: readOptimizeFacts,
  plan: planOptimize,
  runStep: optimize,
  inspect: inspectConcurrent,
  sweep: sweepConcurrent,
  summarise: (results) => {
    const done = results.filter(({ outcome }) => outcome.kind === 'done');
    const isRebuild = ({ step }: (typeof results)[number]): boolean => step.data['way'] === 'rebuild';
    return {
      dropped: done.filter((result) => !isRebuild(result)).length,
      rebuilt: done.filter(isRebuild).length,
      bytes_freed: done.reduce(
        (sum, { outcome }) => sum + (outcome.kind === 'done' ? Number(outcome.result['bytes_freed'] ?? 0) : 0),
        0,
      ),
    };
  },
};

/** When the first step of a run began, by its session. */
const startedAtMs = new WeakMap<object, number>();

async function optimize(step: PlannedStep, run: StepRun<IndexOptimizeConfig>): Promise<StepOutcome> {
  const started = startedAtMs.get(run.session) ?? performance.now();
  startedAtMs.set(run.session, started);
  if (performance.now() - started > run.config.max_minutes * 60_000)
    return { kind: 'skipped', reason: 'over_max_minutes' };
  if ((await run.breathe()) === 'overloaded') return { kind: 'skipped', reason: 'load' };
  const way = ways.find((each) => each === step.data['way']);
  if (way === undefined) throw new Error(`expected a way in the step ${step.key}`);
  return way === 'rebuild' ? await rebuildIndex(step, run) : await dropIndex(step, way, run);
}
