import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';
import { jsonObjectField } from '../config-fields.ts';

const text = z.string().max(2_000).default('');
const config = z.strictObject({
  finding_id: text.describe('The finding that is acted on; named in the result. Required.'),
  check: text.describe('The check that found it, which looks again before anything is done. Required.'),
  fingerprint: text.describe('Which of its findings it is. Required.'),
  object: text.describe('The object, as the check names it: `schema.name`. Required.'),
  check_config: jsonObjectField.default({}).describe('What the check judged by. Default: its defaults.'),
  plan_id: text.describe(
    'The plan that was shown; another one is refused. Empty = none was shown yet, and nothing is done.',
  ),
  gate_timeout_seconds: z
    .number()
    .min(0)
    .max(3_600)
    .default(60)
    .describe('How long … INDEX CONCURRENTLY waits for older transactions before it begins, or gives up. Default 60.'),
});
export type FindingActionConfig = z.infer<typeof config>;

export const taskType: TaskType<FindingActionConfig> = {
  type: 'FINDING_ACTION',
  category: 'index',
  access: 'act',
  class: 'never_retry',
  startedBy: 'POST /findings/{id}/apply',
  description: 'Does what a finding proposes, after its check has found it once more, exactly as it was shown.',
  config,
};
