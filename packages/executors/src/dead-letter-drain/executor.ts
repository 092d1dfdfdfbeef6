import type { Executor, PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { z } from 'zod';
import { type DrainFacts, planDrain } from './plan.ts';
import { type DeadLetterDrainConfig, taskType } from './schema.ts';

/** Looks after messages of our outbox that keep failing. What Redis has lost, or holds too much of, is the reconciler's. */
export const deadLetterDrain: Executor<DeadLetterDrainConfig, DrainFacts> = {
  taskType,
  readFacts: async (_reader, config, { upkeep }) => {
    const { messages, stuck } = await upkeep.stuckMessages({
      minAttempts: config.min_attempts,
      minAgeSeconds: config.min_age_seconds,
      limit: config.max_messages,
    });
    return { kind: 'facts', facts: { messages, stuck } };
  },
  plan: planDrain,
  runStep: settle,
  summarise: (results) => {
    const done = results.flatMap(({ outcome }) => (outcome.kind === 'done' ? [outcome.result] : []));
    const count = (settled: string): number => done.filter((result) => result['settled'] === settled).length;
    return { redriven: count('redriven'), archived: count('archived') };
  },
};

const data = z.object({ message_id: z.int(), attempts: z.int(), error: z.string().nullable() });

async function settle(step: PlannedStep, { config, upkeep }: StepRun<DeadLetterDrainConfig>): Promise<StepOutcome> {
  const { message_id: id, attempts, error } = data.parse(step.data);
  const settled = await upkeep.settleMessage(id, config.policy);
  // Whoever relays it has it in hand, or is through with it.
  if (settled.kind === 'left') return { kind: 'skipped', reason: settled.why };
  return { kind: 'done', result: { settled: settled.kind, need: settled.need, attempts, error } };
}
