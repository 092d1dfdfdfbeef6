import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { amcheck, type Check, checks } from '@slacktide/checks';
import type { CheckReport } from '@slacktide/domain';
import { reportResult, runCheck } from '../run-check.ts';
import { sharedInRun } from '../shared-in-run.ts';
import { type ConsistencyFacts, readConsistencyFacts, readSettings } from './facts.ts';
import { planConsistency, reportKey } from './plan.ts';
import { type IndexConsistencyConfig, taskType } from './schema.ts';
import { outcomeOf, verifyRelation } from './verify-relation.ts';

type Run = StepRun<IndexConsistencyConfig>;

/** A run that is cut short loses its place in the round by no more than this. */
const reportEveryMs = 60_000;

const progressOf = sharedInRun(() => ({
  verdicts: new Map<string, amcheck.Verdict>(),
  bytesRead: 0,
  /** OID of the relation that was verified last in turn. */
  last: undefined as number | undefined,
  reportedAtMs: performance.now(),
}));

/** Reads only. What is found becomes findings of the check `integrity`: corruption at once, the rest when all is verified. */
export const indexConsistencyCheck: Executor<IndexConsistencyConfig, ConsistencyFacts> = {
  taskType,
  startsOver: true,
  readFacts: readConsistencyFacts,
  plan: planConsistency,
  runStep: (step, run) => (step.key === reportKey ? tell(run) : verify(step, run)),
  summarise: (results) => ({
    sound: results.filter(({ outcome }) => outcome.kind === 'done' && outcome.result['verdict'] === 'sound').length,
    corrupt: results.filter(({ outcome }) => outcome.kind === 'failed' && outcome.error.code === 'corruption_found')
      .length,
    bytes_read: results.reduce(
      (sum, { step, outcome }) => sum + (outcome.kind === 'done' ? Number(step.data['bytes'] ?? 0) : 0),
      0,
    ),
  }),
};

async function verify(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const progress = progressOf(run);
  const verdict = await verifyRelation(step, run);
  if (step.data['reason'] === 'turn') progress.last = step.object.oid ?? progress.last;
  if (verdict === 'gone') return outcomeOf(step, verdict);
  progress.verdicts.set(step.key, verdict);
  if (verdict.kind !== 'unverified') progress.bytesRead += Number(step.data['bytes']);
  const isLate = performance.now() - progress.reportedAtMs > reportEveryMs;
  if (verdict.kind === 'corrupt' || isLate) await report(run);
  return outcomeOf(step, verdict);
}

async function tell(run: Run): Promise<StepOutcome> {
  const told = await report(run);
  const damaged = told.findings.find(({ object }) => object.kind === 'catalogues');
  if (damaged === undefined) return { kind: 'done', result: reportResult(told) };
  const { summary: message, evidence: detail } = damaged;
  return { kind: 'failed', error: { code: 'corruption_found', message, detail } };
}

/** All that was verified so far in this run, as the check `integrity` would report it. */
async function report(run: Run): Promise<CheckReport> {
  const progress = progressOf(run);
  const { verdicts, bytesRead, last } = progress;
  const { rootdescend } = run.config;
  const verified = { verdicts, bytesRead, rootdescend, ...(last === undefined ? {} : { consistency: last }) };
  const integrity = checks.find(({ type }) => type.name === 'integrity');
  if (integrity === undefined) throw new Error('expected a check integrity');
  const check: Check<amcheck.IntegrityConfig> = {
    type: integrity.type as Check<amcheck.IntegrityConfig>['type'],
    run: (look, settings) => amcheck.integrityReport(look, settings, verified),
  };
  progress.reportedAtMs = performance.now();
  return await runCheck(check as unknown as Check, run, await readSettings(run.config, run));
}
