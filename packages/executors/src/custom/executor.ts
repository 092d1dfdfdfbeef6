import { inspectConcurrent, sweepConcurrent } from '@slacktide/acting';
import type { Executor } from '@slacktide/application/ports';
import { type CustomFacts, readCustomFacts } from './facts.ts';
import { planCustom } from './plan.ts';
import { runStatement } from './run-statement.ts';
import { type CustomConfig, taskType } from './schema.ts';

/** Statements of a registered template, one after the other. What was cut short is left to a person, unless the catalogue shows that it was done. */
export const custom: Executor<CustomConfig, CustomFacts> = {
  taskType,
  inOrder: true,
  readFacts: readCustomFacts,
  plan: planCustom,
  runStep: runStatement,
  inspect: inspectConcurrent,
  sweep: sweepConcurrent,
};
