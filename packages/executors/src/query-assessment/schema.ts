import type { TaskType } from '@slacktide/application/ports';
import { z } from 'zod';

const config = z.strictObject({
  sql: z
    .string()
    .max(20_000)
    .default('SELECT 1')
    .describe('The statement that is judged; it is planned, never run. Default SELECT 1.'),
});
export type QueryAssessmentConfig = z.infer<typeof config>;

export const taskType: TaskType<QueryAssessmentConfig> = {
  type: 'QUERY_ASSESSMENT',
  category: 'observation',
  access: 'observe',
  class: 'idempotent',
  startedBy: 'POST /queries/assess',
  description: 'Judges how risky a statement is: by its plan, what was seen of statements like it, and the model.',
  config,
};
