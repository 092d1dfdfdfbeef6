import type { TaskType } from '@slacktide/application/ports';
import { checkTypes } from '@slacktide/checks/schemas';
import { checkNames, type JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import { jsonObjectField } from '../config-fields.ts';

const config = z.strictObject({
  checks: z
    .array(z.enum(checkNames))
    .max(checkNames.length)
    .default([])
    .describe('Which checks, by name; each runs once, in the order of GET /checks. Empty = all of them.'),
  config: z
    .record(z.string(), jsonObjectField)
    .default({})
    .superRefine((given, ctx) => {
      for (const [name, settings] of Object.entries(given)) refineOne(name, settings, ctx);
    })
    .describe('Thresholds by check, as GET /checks describes them; what is left out is as the care settings say.'),
  sampling: z
    .boolean()
    .default(true)
    .describe('Sample counters and sizes of the target and its standbys first. Default true.'),
});
export type DatabaseCheckConfig = z.infer<typeof config> & JsonObject;

/** The configuration of a check is checked by its own schema, but kept as it was given: care settings fill in the rest. */
function refineOne(name: string, settings: unknown, ctx: z.RefinementCtx): void {
  const type = checkTypes.find((known) => known.name === name);
  if (type === undefined) {
    ctx.addIssue({
      code: 'custom',
      path: [name],
      message: `There is no check ${name}`,
      params: { code: 'unknown_check' },
    });
    return;
  }
  for (const issue of type.config.safeParse(settings).error?.issues ?? []) {
    ctx.addIssue({ ...issue, path: [name, ...issue.path] } as Parameters<typeof ctx.addIssue>[0]);
  }
}

export const taskType: TaskType<DatabaseCheckConfig> = {
  type: 'DATABASE_CHECK',
  category: 'observation',
  access: 'observe',
  class: 'idempotent',
  description: 'Runs checks on a database and keeps what they found as findings; changes nothing.',
  config: config as unknown as TaskType<DatabaseCheckConfig>['config'],
};
