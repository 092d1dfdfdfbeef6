import type { TaskType } from '@slacktide/application/ports';
import type { Access, SafetyClass } from '@slacktide/domain';
import { z } from 'zod';

const config = z.strictObject({
  ms: z.int().min(0).max(600_000).default(300).describe('How long each step keeps the target busy'),
  steps: z.int().min(1).max(50).default(1).describe('Steps of the task'),
  tells: z
    .boolean()
    .default(false)
    .describe('Whether the catalogue of the target tells recovery what became of the work'),
  dies: z.boolean().default(false).describe('Poison: kills the worker that runs it, in its first step'),
});
export type WitnessConfig = z.infer<typeof config>;

function witnessType(
  type: string,
  access: Access,
  safetyClass: SafetyClass,
  description: string,
): TaskType<WitnessConfig> {
  return { type, category: 'observation', access, class: safetyClass, description, config };
}

/** Task types that exist in fault tests only: each step is one statement whose begin and end the target's own log tells. */
export const witnessTaskTypes = {
  act: witnessType('WITNESS', 'act', 'idempotent', 'Leaves an effect on the target; may be done again.'),
  once: witnessType('WITNESS_ONCE', 'act', 'never_retry', 'Leaves an effect on the target; never by itself twice.'),
  undo: witnessType('WITNESS_UNDO', 'act', 'compensable', 'Leaves an effect on the target; can be taken back.'),
  look: witnessType('WITNESS_LOOK', 'observe', 'idempotent', 'Only looks at the target, for a while.'),
} as const;
