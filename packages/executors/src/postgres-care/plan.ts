import type { Plan, PlannedStep } from '@slacktide/application/ports';
import { type CareStep, careCheckConfigs, careSteps, type JsonObject } from '@slacktide/domain';
import type { CareFacts } from './facts.ts';
import type { PostgresCareConfig } from './schema.ts';

/** Before the first step: what the later ones judge by. */
export const samplingKey = 'sampling';

/** What was done before the first run of care is told of one day. */
const firstLookBackMs = 86_400_000;

/** A daily run comes a little less than a day after what the last one did, and must not be skipped for it every other day. */
const earlyShare = 0.05;

/** All eighteen steps, in their order; one that is not to run says so, and is skipped with that reason. */
export function planCare(facts: CareFacts, config: PostgresCareConfig): Plan {
  const configs = careCheckConfigs(facts.settings);
  const steps = careSteps.map((step): PlannedStep => {
    const skip = skipOf(step, facts, config);
    return planned(facts, step.key, {
      skip,
      started_at: facts.now.toISOString(),
      since: (lastRunOf(step, facts) ?? new Date(facts.now.getTime() - firstLookBackMs)).toISOString(),
      configs: Object.fromEntries(step.checks.map((check) => [check, configs[check] ?? {}])),
      ...(step.number === 0
        ? { force: config.force, items: facts.items.map((item): JsonObject => ({ ...item })) }
        : {}),
    });
  });
  const samples = facts.settings.operational.maintenance_tasks.enabled ? [planned(facts, samplingKey, {})] : [];
  return { steps: [...samples, ...steps], checked: careSteps.length, skipped: [], unknown: [] };
}

/** Why a step is not to run; null = it is. */
export function skipOf(step: CareStep, facts: CareFacts, config: PostgresCareConfig): JsonObject | null {
  const { operational, features } = facts.settings;
  if (!operational.maintenance_tasks.enabled) return { status: 'skipped', reason: 'maintenance_tasks is disabled' };
  if (!step.enabled(features)) return { status: 'skipped', reason: 'disabled' };
  if (config.force || step.intervalSeconds(features) === 0) return null;
  const last = lastRunOf(step, facts);
  if (last === null) return null;
  const dueAt = new Date(last.getTime() + step.intervalSeconds(features) * 1000);
  if (dueAt.getTime() - earlyShare * (dueAt.getTime() - last.getTime()) <= facts.now.getTime()) return null;
  return {
    status: 'skipped',
    reason: `interval has not passed: last run ${last.toISOString()}, due again ${dueAt.toISOString()}`,
    due_at: dueAt.toISOString(),
  };
}

/** When all its checks had run, or it had learned; null while one never did. */
function lastRunOf({ number, checks }: CareStep, { lastRuns, lastLearned }: CareFacts): Date | null {
  if (checks.length === 0) return lastLearned.get(number) ?? null;
  const runs = checks.map((check) => lastRuns.get(check)?.getTime());
  if (runs.includes(undefined)) return null;
  return new Date(Math.min(...runs.filter((at) => at !== undefined)));
}

function planned({ database }: CareFacts, key: string, data: JsonObject): PlannedStep {
  return {
    key,
    object: { kind: 'database', oid: null, schema: null, name: database },
    statements: [],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: null,
    reversible: true,
    data,
  };
}
