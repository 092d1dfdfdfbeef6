import type { TaskEntry } from '@slacktide/contract';
import { normaliseTasks, type TaskInput, type TaskSpec } from '@slacktide/domain';
import type { FieldProblem } from '../app-error.ts';
import { checkConfig } from './check-config.ts';
import { offDetail, type TaskTypeCatalog } from './task-type-catalog.ts';

export type CheckedTasks =
  | { readonly kind: 'tasks'; readonly tasks: readonly TaskSpec[] }
  | { readonly kind: 'problems'; readonly problems: readonly FieldProblem[] };

/**
 * The tasks of a request, normalised, each configuration complete with the defaults of its type: what is kept is what
 * will run, even after a default has changed. Or everything that is wrong with them, pointers beneath `/tasks`.
 */
export function checkTasks(catalog: TaskTypeCatalog, entries: readonly TaskEntry[]): CheckedTasks {
  const normalised = normaliseTasks(entries.map(toTaskInput));
  const checked = entries.map((entry, position) => {
    const { type, config } = typeof entry === 'string' ? { type: entry, config: undefined } : entry;
    const pointer = `/tasks/${position}`;
    const taskType = catalog.get(type);
    if (taskType === undefined) {
      const at = typeof entry === 'string' ? pointer : `${pointer}/type`;
      return { kind: 'problems' as const, problems: [unknownTaskType(catalog, at)] };
    }
    if (catalog.isOff(type)) {
      return { kind: 'problems' as const, problems: [{ pointer, code: 'task_type_off', detail: offDetail(taskType) }] };
    }
    if (taskType.startedBy !== undefined) {
      const detail = `${type} is started by ${taskType.startedBy} alone`;
      return { kind: 'problems' as const, problems: [{ pointer, code: 'not_schedulable', detail }] };
    }
    return checkConfig(taskType, config ?? {}, `${pointer}/config`);
  });
  const problems = [
    ...(normalised.kind === 'problems' ? normalised.problems : []),
    ...checked.flatMap((result) => (result.kind === 'problems' ? result.problems : [])),
  ];
  if (problems.length > 0 || normalised.kind === 'problems') return { kind: 'problems', problems };
  const configs = checked.map((result) => (result.kind === 'config' ? result.config : {}));
  return { kind: 'tasks', tasks: normalised.tasks.map((task, at) => ({ ...task, config: configs[at] ?? {} })) };
}

function toTaskInput(entry: TaskEntry): TaskInput {
  if (typeof entry === 'string') return entry;
  const { time_limit_seconds: timeLimitSeconds, ...task } = entry;
  return { ...task, timeLimitSeconds };
}

function unknownTaskType(catalog: TaskTypeCatalog, pointer: string): FieldProblem {
  const known = catalog.list().map(({ type }) => type);
  return { pointer, code: 'unknown_task_type', detail: `There is no such task type; there are ${known.join(', ')}` };
}
