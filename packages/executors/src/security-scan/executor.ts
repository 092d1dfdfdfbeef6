import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import { type CheckReport, type JsonObject, severities } from '@slacktide/domain';
import { reportResult, runCheck } from '../run-check.ts';
import { sharedInRun } from '../shared-in-run.ts';
import { planScan } from './plan.ts';
import { type SecurityScanConfig, taskType } from './schema.ts';

type Run = StepRun<SecurityScanConfig>;

const scanOf = sharedInRun((): { report?: Promise<CheckReport> } => ({}));

/** The check `security`, told area by area. */
export const securityScan: Executor<SecurityScanConfig, null> = {
  taskType,
  startsOver: true,
  readFacts: async () => ({ kind: 'facts', facts: null }),
  plan: planScan,
  runStep: tellArea,
  summarise: (results) => {
    const figures = results.map(
      ({ outcome }): JsonObject =>
        outcome.kind === 'failed' ? ((outcome.error.detail ?? {}) as JsonObject) : (outcome.result ?? {}),
    );
    const sum = (key: string): number => figures.reduce((total, each) => total + Number(each[key] ?? 0), 0);
    return { findings: Object.fromEntries(severities.map((severity) => [severity, sum(severity)])) };
  },
};

async function tellArea(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const scan = scanOf(run);
  const isFirst = scan.report === undefined;
  scan.report ??= look(run);
  const report = await scan.report;
  const areas = report.figures['areas'] as Readonly<Record<string, JsonObject>> | undefined;
  const figures = areas?.[step.key];
  const unseen = report.unknown.map((entry): JsonObject => ({ ...entry }));
  if (figures === undefined) {
    return { kind: 'skipped', reason: report.unknown[0]?.reason ?? 'not_judged', result: { unknown: unseen } };
  }
  const result = { ...figures, ...(isFirst ? { report: withoutAreas(report) } : {}) };
  const error = failure(step.key, figures, run.config);
  if (error !== undefined) return { kind: 'failed', error: { ...error, detail: result } };
  // An area of which our role may see nothing is not well for that.
  if (figures['checked'] === 0 && Number(figures['unknown']) > 0)
    return { kind: 'skipped', reason: 'not_visible', result };
  return { kind: 'done', result };
}

async function look(run: Run): Promise<CheckReport> {
  const check = checks.find(({ type }) => type.name === 'security');
  if (check === undefined) throw new Error('expected a check security');
  const { fail_on: _, ...settings } = run.config;
  return await runCheck(check, run, check.type.config.parse(settings));
}

/** Each area is told by its own step. */
function withoutAreas(report: CheckReport): JsonObject {
  const { areas: _, ...figures } = report.figures;
  return reportResult({ ...report, figures });
}

function failure(
  area: string,
  figures: JsonObject,
  { fail_on: failOn }: SecurityScanConfig,
): { readonly code: string; readonly message: string } | undefined {
  if (failOn === 'none') return undefined;
  const bad = severities
    .slice(severities.indexOf(failOn))
    .map((severity) => [severity, Number(figures[severity] ?? 0)] as const)
    .filter(([, count]) => count > 0);
  if (bad.length === 0) return undefined;
  return { code: 'findings', message: `${area}: ${bad.map(([severity, count]) => `${count} ${severity}`).join(', ')}` };
}
