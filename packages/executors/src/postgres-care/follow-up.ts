import type { PastEffect, PastFollowUp, StepRun } from '@slacktide/application/ports';
import {
  type CareDecision,
  type CareFindings,
  type CareStep,
  type CheckReport,
  decideCareFollowUps,
  isTerminal,
  type JsonObject,
} from '@slacktide/domain';
import { readCareFacts } from './facts.ts';
import type { PostgresCareConfig } from './schema.ts';
import { countAdvisedAgainst } from './worth-rebuilding.ts';

/** The task type that acts on what a step finds, and what it is counted as. */
const automatisms: Readonly<Record<number, { readonly type: string; readonly found: keyof CareFindings }>> = {
  2: { type: 'LEFTOVER_CLEANUP', found: 'orphanedIndexes' },
  3: { type: 'LEFTOVER_CLEANUP', found: 'invalidIndexes' },
  4: { type: 'SESSION_CLEANUP', found: 'staleAdvisoryLocks' },
  6: { type: 'INDEX_OPTIMIZE', found: 'unusedIndexes' },
  7: { type: 'INDEX_REBUILD', found: 'bloatedIndexes' },
  9: { type: 'STATISTICS_UPDATE', found: 'staleTables' },
};

const nothing: CareFindings = {
  orphanedIndexes: 0,
  invalidIndexes: 0,
  staleAdvisoryLocks: 0,
  unusedIndexes: 0,
  bloatedIndexes: 0,
  staleTables: 0,
};

/** As many effects are looked through for those since the last run. */
const mostEffects = 1_000;

/** What acts on the findings of a step, as its part of the document tells it. */
export interface StepFollowUp {
  readonly decision: CareDecision;
  /** Of what was found, how much it leaves out because its history speaks against it. Default 0. */
  readonly advisedAgainst?: number;
  /** What the task type did to objects of this target since the step ran last. */
  readonly done: readonly PastEffect[];
  /** The latest follow-up before this run. */
  readonly last: PastFollowUp | undefined;
}

/** Sets off what the settings of care have switched on for a step; undefined for a step that nothing acts on. */
export async function followUp(
  { number }: CareStep,
  reports: readonly CheckReport[],
  run: StepRun<PostgresCareConfig>,
  since: Date,
): Promise<StepFollowUp | undefined> {
  const automatism = automatisms[number];
  if (automatism === undefined) return undefined;
  const { type, found } = automatism;
  const { settings, now } = await readCareFacts(run.observer, run);
  const past = await run.memory.followUps();
  const count = reports.reduce((total, { findings }) => total + findings.length, 0);
  const isRebuild = type === 'INDEX_REBUILD' && settings.features.index_health.auto_reindex;
  const advisedAgainst = isRebuild ? await countAdvisedAgainst(reports, run) : 0;
  const decision = decideCareFollowUps({
    settings,
    found: { ...nothing, [found]: count - advisedAgainst },
    advisedAgainst,
    earlier: past.map((each) => ({ type: each.type, askedAt: each.askedAt, open: isOpen(each) })),
    now,
    force: run.config.force,
  })[type];
  if (decision === undefined) throw new Error(`expected a decision about ${type}`);
  if (decision.kind === 'set_off') await run.followUp(decision.followUp);
  const effects = await run.memory.effects({ limit: mostEffects });
  return {
    decision,
    advisedAgainst,
    done: effects.filter((effect) => effect.taskType === type && effect.at >= since),
    last: past.find((each) => each.type === type),
  };
}

function isOpen({ jobId, jobState, refused }: PastFollowUp): boolean {
  if (refused !== null) return false;
  // A job that is gone from history is over.
  return jobId === null || (jobState !== null && !isTerminal(jobState));
}

/** In the form of a result. */
export function followUpJson({ decision, advisedAgainst = 0, last }: StepFollowUp): JsonObject {
  return {
    ...(advisedAgainst === 0 ? {} : { advised_against: advisedAgainst }),
    ...(decision.kind === 'set_off'
      ? { set_off: decision.followUp.type, reason: decision.followUp.reason }
      : { set_off: null, reason: decision.reason }),
    last:
      last === undefined
        ? null
        : {
            asked_at: last.askedAt.toISOString(),
            job_id: last.jobId,
            state: last.jobState,
            refused: last.refused,
          },
  };
}
