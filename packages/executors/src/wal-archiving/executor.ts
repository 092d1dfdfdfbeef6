import type { Executor, Plan, StepOutcome, StepRun } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import { failureOf } from '../fail-on.ts';
import { reportResult, runCheck } from '../run-check.ts';
import { taskType, type WalArchivingConfig } from './schema.ts';

/** The check `wal_archiving` on its own, with settings of its own. */
export const walArchiving: Executor<WalArchivingConfig, null> = {
  taskType,
  readFacts: async () => ({ kind: 'facts', facts: null }),
  plan: planCheck,
  runStep: async (_step, run) => await look(run),
};

function planCheck(): Plan {
  const step = {
    key: 'wal_archiving',
    object: { kind: 'cluster' as const, oid: null, schema: null, name: 'wal_archiving' },
    ...{ statements: [], lockMode: null, sizeBytes: null, expectedSeconds: 1, reversible: true, data: {} },
  };
  return { steps: [step], checked: 1, skipped: [], unknown: [] };
}

async function look(run: StepRun<WalArchivingConfig>): Promise<StepOutcome> {
  const check = checks.find(({ type }) => type.name === 'wal_archiving');
  if (check === undefined) throw new Error('expected a check wal_archiving');
  const { fail_on: failOn, ...settings } = run.config;
  const report = await runCheck(check, run, check.type.config.parse(settings));
  const error = failureOf(report.findings, failOn);
  if (error !== undefined) return { kind: 'failed', error };
  const [unseen] = report.unknown;
  const result = reportResult(report);
  // Neither well nor unwell: switched off, or hidden from our role.
  if (report.checked === 0 && report.findings.length === 0) {
    return { kind: 'skipped', reason: report.skipped[0]?.reason ?? unseen?.reason ?? 'not_judged', result };
  }
  return { kind: 'done', result };
}
