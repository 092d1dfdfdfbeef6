import { inspectConcurrent, sweepConcurrent } from '@slacktide/acting';
import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { type BloomFilterFacts, readBloomFilterFacts } from './facts.ts';
import { type LossyIndex, readLossyIndex } from './lossy-indexes.ts';
import { planBloomFilters } from './plan.ts';
import { rebuildBloom } from './rebuild-bloom.ts';
import { type BloomFilterRebuildConfig, taskType } from './schema.ts';
import { summariseBrin } from './summarise-brin.ts';

/** Bloom indexes by REINDEX CONCURRENTLY behind a start gate, BRIN indexes by their own functions. */
export const bloomFilterRebuild: Executor<BloomFilterRebuildConfig, BloomFilterFacts> = {
  taskType,
  readFacts: readBloomFilterFacts,
  plan: planBloomFilters,
  runStep,
  inspect: inspectConcurrent,
  sweep: sweepConcurrent,
  summarise: (results) => {
    const sum = (key: string): number =>
      results.reduce(
        (total, { outcome }) => total + (outcome.kind === 'done' ? Number(outcome.result[key] ?? 0) : 0),
        0,
      );
    return { bytes_freed: sum('bytes_freed'), ranges_summarised: sum('ranges_summarised') };
  },
};

async function runStep(step: PlannedStep, run: StepRun<BloomFilterRebuildConfig>): Promise<StepOutcome> {
  const { schema, name } = step.object;
  if (schema === null) throw new Error(`expected an index in ${step.key}`);
  const now = await readLossyIndex(run.observer, schema, name);
  if (now === undefined) return { kind: 'skipped', reason: 'index_gone' };
  return refusalOf(now, step) ?? (await (now.method === 'bloom' ? rebuildBloom : summariseBrin)(step, run, now));
}

/** What changed since the plan was made, or was never allowed. */
function refusalOf(now: LossyIndex, step: PlannedStep): StepOutcome | null {
  if (now.oid !== step.object.oid || now.quoted !== step.key)
    return { kind: 'skipped', reason: 'replaced_since_planned' };
  if (!now.valid) return { kind: 'skipped', reason: 'invalid' };
  if (now.permitted) return null;
  return {
    kind: 'failed',
    error: {
      code: 'insufficient_privilege',
      message: `the role may not work on ${step.key}; cure: ${now.grant ?? 'only a superuser may'}`,
      detail: { grant: now.grant },
    },
  };
}
