import { sweepConcurrent } from '@slacktide/acting';
import type { Executor, PlannedStep, StepOutcome } from '@slacktide/application/ports';
import { completeWhole } from './complete-whole.ts';
import { dropLeftover } from './drop-leftover.ts';
import { type LeftoverFacts, readLeftoverFacts } from './facts.ts';
import { skipped, whyNot } from './look-again.ts';
import { planCleanup } from './plan.ts';
import { rebuildLost } from './rebuild-lost.ts';
import { type LeftoverCleanupConfig, taskType } from './schema.ts';
import { type Run, readStepData } from './step-data.ts';

/** Cures what the checks invalid_index and orphaned_index find. Done again, it finds nothing left: no inspection is needed. */
export const leftoverCleanup: Executor<LeftoverCleanupConfig, LeftoverFacts> = {
  taskType,
  readFacts: readLeftoverFacts,
  plan: planCleanup,
  runStep: cureLeftover,
  sweep: sweepConcurrent,
  summarise: (results) => {
    const done = results.flatMap(({ outcome }) => (outcome.kind === 'done' ? [outcome.result] : []));
    const count = (work: string): number => done.filter((result) => result['work'] === work).length;
    return {
      dropped: count('drop'),
      rebuilt: count('rebuild'),
      completed: count('complete'),
      bytes_freed: done.reduce((sum, result) => sum + Number(result['bytes_freed'] ?? 0), 0),
    };
  },
};

async function cureLeftover(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const data = readStepData(step);
  const reason = await whyNot(run, step.key, data);
  if (reason !== null) return skipped(reason);
  if (data.grant !== null) return notPermitted(step, data.grant);
  switch (data.work) {
    case 'drop':
      return await dropLeftover(step, data, run);
    case 'rebuild':
      return await rebuildLost(step, data, run);
    case 'complete':
      return await completeWhole(step, data, run);
  }
}

function notPermitted({ key }: PlannedStep, grant: string): StepOutcome {
  const cure = grant === '' ? 'only a superuser may' : grant;
  const message = `the role may not do this to ${key}; cure: ${cure}`;
  const detail = { grant: grant === '' ? null : grant };
  return { kind: 'failed', error: { code: 'insufficient_privilege', message, detail } };
}
