import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({
  force: z
    .boolean()
    .default(false)
    .describe('Run every step that is switched on, whether its interval has passed or not. Default false.'),
});
export type PostgresCareConfig = z.infer<typeof config>;

export const taskType: TaskType<PostgresCareConfig> = {
  type: 'POSTGRES_CARE',
  category: 'observation',
  access: 'observe',
  class: 'idempotent',
  description:
    'The eighteen steps of care, 0 to 17, in their order: what is wrong, what is proposed, and how it was judged. Changes nothing.',
  config,
};
