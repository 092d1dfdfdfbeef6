import type { TaskType as TaskTypeView } from '@slacktide/contract';
import type { JsonObject } from '@slacktide/domain';
import { z } from 'zod';
import type { TaskType } from '../ports/index.ts';

/** A task type as the API shows it: its configuration as JSON Schema 2020-12, from the caller's side (defaults may be left out). */
export function taskTypeView(taskType: TaskType): TaskTypeView {
  return {
    name: taskType.type,
    category: taskType.category,
    access: taskType.access,
    class: taskType.class,
    description: taskType.description,
    config_schema: z.toJSONSchema(taskType.config, { io: 'input' }) as JsonObject,
  };
}
