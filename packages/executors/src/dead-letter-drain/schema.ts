import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({
  policy: z
    .enum(['redrive', 'archive'])
    .default('redrive')
    .describe(
      'redrive: try again at once. archive: move to the dead letters what nobody needs any more; what is needed is tried again, and told. Default redrive.',
    ),
  min_attempts: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10)
    .describe(
      'Messages are taken on that failed so often, whatever their age. Default 10, which takes about five minutes.',
    ),
  min_age_seconds: z
    .int()
    .min(60)
    .max(31_536_000)
    .default(86_400)
    .describe('Messages are taken on that wait for so long, however often they failed. Default 86400, a day.'),
  max_messages: z
    .int()
    .min(1)
    .max(1_000)
    .default(100)
    .describe('Most messages one run takes on, the oldest first; the next run goes on. Default 100.'),
});
export type DeadLetterDrainConfig = z.infer<typeof config>;

export const taskType: TaskType<DeadLetterDrainConfig> = {
  type: 'DEAD_LETTER_DRAIN',
  category: 'records',
  access: 'observe',
  class: 'idempotent',
  sessionless: true,
  description:
    'Tries again, or archives, our own messages to the queues that keep failing; never one that an open job or a schedule still needs.',
  config,
};
