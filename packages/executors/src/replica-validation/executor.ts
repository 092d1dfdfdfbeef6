import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { checks, describeStandby } from '@slacktide/checks';
import type { JsonObject } from '@slacktide/domain';
import { failureOf } from '../fail-on.ts';
import { reportResult, runCheck } from '../run-check.ts';
import { compareRows } from './compare-rows.ts';
import { type ReplicaFacts, readReplicaFacts } from './facts.ts';
import { onStandby } from './on-standby.ts';
import { planValidation } from './plan.ts';
import { type ReplicaValidationConfig, replicationSettings, taskType } from './schema.ts';
import { verifyIndex } from './verify-index.ts';

type Run = StepRun<ReplicaValidationConfig>;

/** The check `replication`, and what it does not do: how each standby stands, and whether what it has is what it should have. */
export const replicaValidation: Executor<ReplicaValidationConfig, ReplicaFacts> = {
  taskType,
  readFacts: readReplicaFacts,
  plan: planValidation,
  runStep(step, run) {
    switch (step.data['work']) {
      case 'check':
        return check(run);
      case 'describe':
        return describe(step, run);
      case 'verify':
        return verifyIndex(step, run);
      default:
        return compareRows(step, run);
    }
  },
};

async function check(run: Run): Promise<StepOutcome> {
  const replication = checks.find(({ type }) => type.name === 'replication');
  if (replication === undefined) throw new Error('expected a check replication');
  const settings = replication.type.config.parse(replicationSettings(run.config));
  const report = await runCheck(replication, run, settings);
  const error = failureOf(report.findings, run.config.fail_on);
  return error === undefined ? { kind: 'done', result: reportResult(report) } : { kind: 'failed', error };
}

async function describe(step: PlannedStep, run: Run): Promise<StepOutcome> {
  return await onStandby(run, String(step.data['standby']), async (reader) => ({
    kind: 'done',
    result: await describeStandby(run.observer, reader, step.data['settings'] as JsonObject),
  }));
}
