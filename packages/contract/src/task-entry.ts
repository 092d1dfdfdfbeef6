import { defaultTimeLimitSeconds, identifierPattern, longestTimeLimitSeconds, maxTasks } from '@slacktide/domain';
import { z } from 'zod';
import { JsonObjectField } from './fields.ts';

const TaskTypeName = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{0,63}$/, 'Expected the name of a task type, e.g. INDEX_REBUILD')
  .meta({ example: 'INDEX_REBUILD' });

/** Name of a task within its schedule or plan. */
export const TaskKey = z
  .string()
  .regex(
    identifierPattern,
    'Expected 1 to 63 of a-z, 0-9, dot, hyphen and underscore, beginning with a letter or digit',
  );

/** How long a task may run, from its claim to its outcome, in seconds. */
export const TimeLimitSeconds = z.int().min(1).max(longestTimeLimitSeconds);

/** A task with all that can be said about it. */
export const TaskObject = z.strictObject({
  type: TaskTypeName,
  key: TaskKey.optional().describe('Unique in the list; by default made from the type'),
  config: JsonObjectField.optional().describe('As the JSON Schema at GET /task-types says'),
  needs: z
    .array(TaskKey)
    .max(maxTasks)
    .optional()
    .describe('Keys of the tasks that must be over before this one starts; left out = the one before it, [] = none'),
  time_limit_seconds: TimeLimitSeconds.optional().describe(
    `How long it may run, and wait for a busy target; by default ${defaultTimeLimitSeconds}`,
  ),
});

/** A task as a request states it: a task type's name, or more. */
export const TaskEntry = z
  .union([TaskTypeName, TaskObject])
  .meta({ id: 'TaskEntry', description: "A task: a task type's name, or an object", example: 'INDEX_REBUILD' });
export type TaskEntry = z.infer<typeof TaskEntry>;

/** The ordered tasks of a schedule or plan. */
export const TaskEntries = z
  .array(TaskEntry)
  .min(1)
  .max(maxTasks)
  .meta({ example: ['INDEX_REBUILD', { type: 'STATISTICS_UPDATE', key: 'statistics' }] });

/** A task as an answer states it: nothing left to be assumed. */
export const TaskSpec = z
  .strictObject({
    key: z.string(),
    type: z.string(),
    config: JsonObjectField,
    needs: z.array(z.string()),
    time_limit_seconds: z.int(),
  })
  .meta({
    id: 'TaskSpec',
    example: { key: 'index-rebuild', type: 'INDEX_REBUILD', config: {}, needs: [], time_limit_seconds: 43_200 },
  });
