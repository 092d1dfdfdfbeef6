import type { TaskTypeList } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { taskTypeView } from '../view/task-type-view.ts';

/** Every task type, by name, with the JSON Schema of its configuration. */
export function listTaskTypes(deps: Pick<Deps, 'taskTypes'>, _ctx: RequestContext): TaskTypeList {
  return { items: deps.taskTypes.list().map(taskTypeView), next_cursor: null };
}
