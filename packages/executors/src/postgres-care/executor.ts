import type { Executor, PlannedStep, SafeguardFigures, StepOutcome, StepRun } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import { type CareSetting, type CareStep, type CheckReport, careSteps, type JsonObject } from '@slacktide/domain';
import { reportResult, runCheck } from '../run-check.ts';
import { sampleNodes } from '../sample-nodes.ts';
import { careDocument, documentPart, safeguardPart } from './document.ts';
import { type CareFacts, readCareFacts } from './facts.ts';
import { followUp, followUpJson } from './follow-up.ts';
import { foretell } from './learning/forecasts.ts';
import { learnFromStatements } from './learning/patterns.ts';
import { train } from './learning/training.ts';
import { learnWorkload } from './learning/workload.ts';
import { planCare, samplingKey } from './plan.ts';
import { listBypasses } from './safeguards.ts';
import { type PostgresCareConfig, taskType } from './schema.ts';

type Run = StepRun<PostgresCareConfig>;

/** The run of care: reports, proposes, and sets off what the settings have switched on. */
export const postgresCare: Executor<PostgresCareConfig, CareFacts> = {
  taskType,
  startsOver: true,
  readFacts: async (reader, _config, context) => ({ kind: 'facts', facts: await readCareFacts(reader, context) }),
  plan: planCare,
  async runStep(step, run) {
    if (step.key === samplingKey) return await sampleNodes(run);
    const careStep = careSteps.find(({ key }) => key === step.key);
    if (careStep === undefined) throw new Error(`expected a step of care, got ${step.key}`);
    const skip = step.data['skip'] as JsonObject | null;
    if (skip !== null) return { kind: 'skipped', reason: String(skip['reason']), result: skip };
    if (careStep.number === 0) return await tellBypasses(step, run);
    if (careStep.number === 15) return await tellSafeguards(run);
    if (learningSteps.includes(careStep.number)) return await learn(careStep, step, run);
    return await look(careStep, step, run);
  },
  summarise: (results) => ({
    document: careDocument(
      results.flatMap(({ step, outcome }) =>
        step.key === samplingKey
          ? []
          : [
              {
                key: step.key,
                startedAt: String(step.data['started_at']),
                failed: outcome.kind === 'failed',
                skip: step.data['skip'] as JsonObject | null,
                part:
                  (outcome.kind === 'done' ? (outcome.result['document'] as JsonObject | undefined) : undefined) ?? {},
              },
            ],
      ),
    ),
  }),
};

async function tellBypasses(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const items = step.data['items'] as unknown as readonly CareSetting[];
  return { kind: 'done', result: { safeguards: await bypassesOf(run, items, await run.memory.safeguards()) } };
}

async function tellSafeguards(run: Run): Promise<StepOutcome> {
  const { items } = await readCareFacts(run.observer, run);
  const figures = await run.memory.safeguards();
  const bypasses = await bypassesOf(run, items, figures);
  return { kind: 'done', result: { document: safeguardPart(figures, bypasses.length) } };
}

async function bypassesOf(
  run: Run,
  items: readonly CareSetting[],
  { schedulesWithoutWindow }: SafeguardFigures,
): Promise<readonly JsonObject[]> {
  return [
    ...(await listBypasses(run.observer, items, run.config.force)),
    ...schedulesWithoutWindow.map((id) => ({
      safeguard: `window of schedule ${id}`,
      status: 'off',
      detail: 'it acts on the target, and may at any hour',
    })),
  ];
}

/** They keep what they learn. */
const learningSteps: readonly number[] = [8, 16, 17];

/** Steps 8, 16 and 17. What cannot be learned from says why, and is no failure. */
async function learn(careStep: CareStep, step: PlannedStep, run: Run): Promise<StepOutcome> {
  const { settings, now } = await readCareFacts(run.observer, run);
  const done = (document: JsonObject, more: JsonObject = {}): StepOutcome => ({
    kind: 'done',
    result: { document, ...more },
  });
  switch (careStep.number) {
    case 8: {
      const learned = await learnFromStatements(run, now);
      const reports = await runChecks(careStep, step, run);
      const checks = Object.fromEntries(reports.map((report) => [report.check, reportResult(report)]));
      return done({ pattern_learning: learned.kind === 'unusable' ? unusable(learned) : learned.document }, { checks });
    }
    case 16:
      return done({ predictive_maintenance: await foretell(run, settings, now) });
    case 17: {
      const trained = await train(run, now);
      return done({ ml_training: trained.kind === 'unusable' ? unusable(trained) : trained.document });
    }
    default:
      throw new Error(`step ${careStep.key} learns nothing`);
  }
}

function unusable({ reason, grant }: { readonly reason: string; readonly grant: string | null }): JsonObject {
  return { status: 'unknown', reason, grant };
}

async function look(careStep: CareStep, step: PlannedStep, run: Run): Promise<StepOutcome> {
  const now = await run.memory.now();
  const reports = await runChecks(careStep, step, run);
  for (const report of reports) if (report.check === 'workload') await learnWorkload(run, report, now);
  const acted = await followUp(careStep, reports, run, new Date(String(step.data['since'])));
  return {
    kind: 'done',
    result: {
      document: documentPart(careStep, reports, acted),
      ...(acted === undefined ? {} : { follow_up: followUpJson(acted) }),
      checks: Object.fromEntries(reports.map((report) => [report.check, reportResult(report)])),
    },
  };
}

async function runChecks(careStep: CareStep, step: PlannedStep, run: Run): Promise<readonly CheckReport[]> {
  const configs = step.data['configs'] as Readonly<Record<string, JsonObject>>;
  const reports: CheckReport[] = [];
  for (const name of careStep.checks) {
    const check = checks.find(({ type }) => type.name === name);
    if (check === undefined) throw new Error(`expected a check ${name}`);
    reports.push(await runCheck(check, run, check.type.config.parse(configs[name])));
  }
  return reports;
}
