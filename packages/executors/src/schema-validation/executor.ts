import type { Executor, StepOutcome, StepRun } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import type { CheckName, JsonObject } from '@slacktide/domain';
import { failureOf } from '../fail-on.ts';
import { reportResult, runCheck } from '../run-check.ts';
import { readSchemaFacts, type SchemaFacts } from './facts.ts';
import { constraintsKey, driftKey, planSchemaValidation } from './plan.ts';
import { type SchemaValidationConfig, taskType } from './schema.ts';
import { validateConstraint } from './validate-constraint.ts';

/** Drift from the stored baseline, and constraints that were never validated. */
export const schemaValidation: Executor<SchemaValidationConfig, SchemaFacts> = {
  taskType,
  readFacts: readSchemaFacts,
  plan: planSchemaValidation,
  async runStep(step, run) {
    const { accept, ignore_partitions, ignore_schemas, count_limit, count_budget_mb } = run.config;
    if (step.key === driftKey) return await check('schema_drift', { accept, ignore_partitions, ignore_schemas }, run);
    if (step.key === constraintsKey) return await check('invalid_constraint', { count_limit, count_budget_mb }, run);
    return await validateConstraint(step, run);
  },
};

async function check(
  name: CheckName,
  settings: JsonObject,
  run: StepRun<SchemaValidationConfig>,
): Promise<StepOutcome> {
  const found = checks.find(({ type }) => type.name === name);
  if (found === undefined) throw new Error(`expected a check ${name}`);
  const report = await runCheck(found, run, found.type.config.parse(settings));
  const error = failureOf(report.findings, run.config.fail_on);
  return error === undefined ? { kind: 'done', result: reportResult(report) } : { kind: 'failed', error };
}
