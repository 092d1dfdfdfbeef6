import { sweepConcurrent } from '@slacktide/acting';
import type { Executor } from '@slacktide/application/ports';
import { doStatements } from './act.ts';
import { type FindingFacts, readFindingFacts } from './facts.ts';
import { planAction } from './plan.ts';
import { type FindingActionConfig, taskType } from './schema.ts';

/** Does what a finding proposes. What was cut short is left to a person: the catalogue tells, by the next run of the check, what became of it. */
export const findingAction: Executor<FindingActionConfig, FindingFacts> = {
  taskType,
  readFacts: readFindingFacts,
  plan: planAction,
  runStep: doStatements,
  sweep: sweepConcurrent,
};
