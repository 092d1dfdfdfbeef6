import { sweepConcurrent } from '@slacktide/acting';
import type { Executor } from '@slacktide/application/ports';
import { type RollbackFacts, readRollbackFacts } from './facts.ts';
import { planRollback } from './plan.ts';
import { type RollbackConfig, taskType } from './schema.ts';
import { takeBack } from './take-back.ts';

/**
 * Takes back what a job did. Idempotent: each point is looked at first, what is there already is not made again, and what was cut short is swept before
 * it is done once more.
 */
export const rollback: Executor<RollbackConfig, RollbackFacts> = {
  taskType,
  readFacts: readRollbackFacts,
  plan: planRollback,
  runStep: takeBack,
  sweep: sweepConcurrent,
};
