import type {
  Effect,
  Executor,
  NewRemnant,
  Plan,
  RemnantOutcome,
  Sample,
  StepOutcome,
  StepProgress,
} from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { noContext, noUpkeep } from './no-context.ts';
import type { FreshTarget } from './target.ts';

/** What may happen while an executor is at work. */
export interface ExecutorRun {
  readonly signal?: AbortSignal;
  readonly onProgress?: (update: StepProgress) => void;
  /** Called before every step: the plan is made, nothing is done yet. */
  readonly beforeStep?: () => Promise<unknown>;
  /** Called when a step says what it may leave behind, before it acts. */
  readonly onRemnant?: (remnant: NewRemnant) => Promise<unknown>;
}

/** What a step said it may leave behind, and how that ended; undefined = it did not say. */
export interface RanRemnant extends NewRemnant {
  closed?: { readonly outcome: RemnantOutcome; readonly note: string | undefined };
}

export interface ExecutorRan extends Plan {
  readonly problems: readonly { readonly pointer: string; readonly code: string }[];
  readonly outcomes: readonly StepOutcome[];
  readonly samples: readonly Sample[];
  readonly effects: readonly Effect[];
  readonly remnants: readonly RanRemnant[];
}

/** Runs an executor on a target as the worker does: facts, plan, then every step in one acting session. Rejects where it throws. */
export function runExecutor<Config extends JsonObject, Facts>(
  { address, env }: Pick<FreshTarget, 'address' | 'env'>,
  executor: Executor<Config, Facts>,
  config: JsonObject = {},
  { signal = new AbortController().signal, onProgress = () => undefined, beforeStep, onRemnant }: ExecutorRun = {},
): Promise<ExecutorRan> {
  const parsed = executor.taskType.config.parse(config);
  const options = { applicationName: 'slacktide/test/1', statementTimeoutMs: 600_000, signal };
  return createPostgresGateway({ env }).act(address, options, async (session, observer) => {
    const outcomes: StepOutcome[] = [];
    const samples: Sample[] = [];
    const effects: Effect[] = [];
    const remnants: RanRemnant[] = [];
    const facts = await executor.readFacts(observer, parsed, noContext);
    if (facts.kind === 'refused') {
      return {
        steps: [],
        checked: 0,
        skipped: [],
        unknown: [],
        problems: facts.problems,
        outcomes,
        samples,
        effects,
        remnants,
      };
    }
    const plan = executor.plan(facts.facts, parsed);
    for (const step of plan.steps) {
      await beforeStep?.();
      outcomes.push(
        await executor.runStep(step, {
          session,
          observer,
          config: parsed,
          signal,
          progress: onProgress,
          sample: (batch) => void samples.push(...batch),
          ...noContext,
          upkeep: noUpkeep,
          effect: async (effect) => void effects.push(effect),
          learn: async () => undefined,
          followUp: async () => undefined,
          rollbackPoint: async () => async () => undefined,
          usedRollback: async () => undefined,
          watch: async () => async () => undefined,
          looked: async () => undefined,
          breathe: async () => 'go',
          report: async () => undefined,
          observe: async () => undefined,
          remnant: async (remnant) => {
            await onRemnant?.(remnant);
            const ran: RanRemnant = { ...remnant };
            remnants.push(ran);
            return async (outcome, note) => {
              ran.closed = { outcome, note };
            };
          },
        }),
      );
    }
    return { ...plan, problems: [], outcomes, samples, effects, remnants };
  });
}
