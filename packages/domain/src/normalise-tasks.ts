import { findCycle } from './find-cycle.ts';
import { isIdentifier } from './identifier.ts';
import type { JsonObject } from './json.ts';
import { defaultTimeLimitSeconds, type TaskSpec } from './schedule.ts';

/** A schedule or ad-hoc operation has at most this many tasks. */
export const maxTasks = 100;

/** A task as people write it: its type alone, or with what differs from the defaults. */
export type TaskInput =
  | string
  | {
      readonly type: string;
      /** Default: the type in lower case with hyphens, `-2`, `-3` … where that is taken. */
      readonly key?: string | undefined;
      /** Default: empty, that is every default of the task type. */
      readonly config?: JsonObject | undefined;
      /** Default: the task before it in the list. Empty: starts at once. */
      readonly needs?: readonly string[] | undefined;
      /** Default: twelve hours. */
      readonly timeLimitSeconds?: number | undefined;
    };

export interface TaskProblem {
  /** RFC 6901 pointer, e.g. `/tasks/1/needs/0`. */
  readonly pointer: string;
  readonly code:
    | 'empty'
    | 'too_many'
    | 'invalid_type'
    | 'invalid_key'
    | 'duplicate_key'
    | 'duplicate_need'
    | 'unknown_need'
    | 'self_need'
    | 'cycle';
  readonly detail: string;
}

export type NormalisedTasks =
  | { readonly kind: 'tasks'; readonly tasks: readonly TaskSpec[] }
  | { readonly kind: 'problems'; readonly problems: readonly TaskProblem[] };

/**
 * Gives every task a unique key and explicit needs, or says everything that is wrong; a cycle is looked for only when nothing else is.
 * Whether a type exists and a configuration fits it is the registry's to say.
 */
export function normaliseTasks(input: readonly TaskInput[]): NormalisedTasks {
  if (input.length === 0) return problem('/tasks', 'empty', 'expected at least one task');
  if (input.length > maxTasks) {
    return problem('/tasks', 'too_many', `expected at most ${maxTasks} tasks, got ${input.length}`);
  }
  const written = input.map((task) => (typeof task === 'string' ? { type: task } : task));
  const keys = chooseKeys(written);
  const tasks = written.map(
    (task, index): TaskSpec => ({
      key: keys[index] ?? '',
      type: task.type,
      config: task.config ?? {},
      needs: task.needs ?? keys.slice(Math.max(0, index - 1), index),
      timeLimitSeconds: task.timeLimitSeconds ?? defaultTimeLimitSeconds,
    }),
  );
  const problems = [...keyProblems(written, tasks), ...needProblems(written, tasks)];
  if (problems.length > 0) return { kind: 'problems', problems };
  return cycleProblem(written, tasks) ?? { kind: 'tasks', tasks };
}

type WrittenTask = Exclude<TaskInput, string>;

function chooseKeys(written: readonly WrittenTask[]): readonly string[] {
  const taken = new Set(written.flatMap((task) => task.key ?? []));
  return written.map((task) => {
    if (task.key !== undefined) return task.key;
    const base = task.type.toLowerCase().replaceAll('_', '-');
    let key = base;
    for (let count = 2; taken.has(key); count += 1) key = `${base}-${count}`;
    taken.add(key);
    return key;
  });
}

function keyProblems(written: readonly WrittenTask[], tasks: readonly TaskSpec[]): TaskProblem[] {
  const seen = new Map<string, number>();
  return tasks.flatMap(({ key, type }, index): TaskProblem[] => {
    const isGiven = written[index]?.key !== undefined;
    if (!isIdentifier(key)) {
      const detail = isGiven
        ? `${quote(key)} is no key: expected 1 to 63 lower-case letters, digits, ".", "_" or "-", beginning with a letter or digit`
        : `${quote(type)} is no task type`;
      return isGiven
        ? [{ pointer: `/tasks/${index}/key`, code: 'invalid_key', detail }]
        : [{ pointer: `/tasks/${index}`, code: 'invalid_type', detail }];
    }
    const earlier = seen.get(key);
    if (earlier !== undefined) {
      const detail = `the key ${quote(key)} is task ${earlier}'s already`;
      return [{ pointer: `/tasks/${index}/key`, code: 'duplicate_key', detail }];
    }
    seen.set(key, index);
    return [];
  });
}

/** Looks at written needs only: default ones are right, or the fault of a key that has its own problem. */
function needProblems(written: readonly WrittenTask[], tasks: readonly TaskSpec[]): TaskProblem[] {
  const keys = new Set(tasks.map((task) => task.key));
  return tasks.flatMap(({ key }, index) =>
    (written[index]?.needs ?? []).flatMap((need, place, needs): TaskProblem[] => {
      const pointer = `/tasks/${index}/needs/${place}`;
      if (need === key) return [{ pointer, code: 'self_need', detail: `${quote(key)} cannot need itself` }];
      if (!keys.has(need)) return [{ pointer, code: 'unknown_need', detail: `no task has the key ${quote(need)}` }];
      if (needs.indexOf(need) < place) {
        return [{ pointer, code: 'duplicate_need', detail: `${quote(need)} is named twice` }];
      }
      return [];
    }),
  );
}

function cycleProblem(written: readonly WrittenTask[], tasks: readonly TaskSpec[]): NormalisedTasks | null {
  const path = findCycle(tasks);
  if (!path) return null;
  const [first, ...rest] = path;
  const follows = new Map(path.map((key, index) => [key, rest[index] ?? first]));
  // Default needs only point back, so a cycle has a task whose needs were written; blame the first of them.
  const index = tasks.findIndex((task, at) => follows.has(task.key) && written[at]?.needs !== undefined);
  const task = tasks[index];
  if (!task) throw new Error(`a cycle without a written need: ${path.join(', ')}`);
  const place = task.needs.indexOf(follows.get(task.key) ?? '');
  return problem(
    `/tasks/${index}/needs/${place}`,
    'cycle',
    `tasks need each other in a circle: ${[...path, first].join(' → ')}`,
  );
}

function problem(pointer: string, code: TaskProblem['code'], detail: string): NormalisedTasks {
  return { kind: 'problems', problems: [{ pointer, code, detail }] };
}

/** Shown text is cut: it comes from outside and goes into an answer. */
function quote(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}
