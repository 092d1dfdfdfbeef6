import { accesses, safetyClasses, taskCategories } from '@slacktide/domain';
import { z } from 'zod';
import { JsonObjectField } from './fields.ts';

const example = {
  name: 'CHECKPOINT',
  category: 'durability' as const,
  access: 'act' as const,
  class: 'idempotent' as const,
  description: 'Writes all dirty buffers to disk at once, e.g. before a planned restart or backup.',
  config_schema: {
    type: 'object',
    properties: { force: { type: 'boolean', default: false } },
    additionalProperties: false,
  },
};

export const TaskType = z
  .strictObject({
    name: z.string(),
    category: z.enum(taskCategories),
    access: z.enum(accesses).describe('`observe` shares a target and only reads; `act` has the target for itself'),
    class: z.enum(safetyClasses).describe('What may happen after an unclear outcome'),
    description: z.string(),
    config_schema: JsonObjectField.describe('JSON Schema of `config` (2020-12)'),
  })
  .meta({ id: 'TaskType', description: 'One kind of maintenance work', example });
export type TaskType = z.infer<typeof TaskType>;

/** Answer of GET /task-types: all of them, by name. */
export const TaskTypeList = z
  .strictObject({ items: z.array(TaskType), next_cursor: z.null() })
  .meta({ id: 'TaskTypeList', example: { items: [example], next_cursor: null } });
export type TaskTypeList = z.infer<typeof TaskTypeList>;
