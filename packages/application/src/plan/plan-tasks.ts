import type { Target, TaskSpec } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { ConfigProblem, Plan } from '../ports/index.ts';
import { unreachable } from '../target/inspect-target.ts';

/** How the fields of the request are called, for the pointers of what is wrong. */
export interface PlanPointers {
  /** The field that names the target. */
  readonly target: string;
  /** Where a problem of a task's configuration is in the request. */
  readonly config: (task: number, pointer: string) => string;
}

/**
 * Has a worker plan tasks on a target without changing anything.
 * @throws AppError `invalid_request` when a configuration does not fit the target | `target_unreachable` | `no_worker`
 */
export async function planTasks(
  deps: Pick<Deps, 'inquiries' | 'inquiryTimeoutMs'>,
  target: Target,
  tasks: readonly TaskSpec[],
  pointers: PlanPointers,
): Promise<readonly Plan[]> {
  const { id, kind, connection, secretRef, standbys } = target;
  const answer = await deps.inquiries.ask(
    {
      kind: 'plan',
      target: { id, kind, connection, secretRef, standbys },
      tasks: tasks.map(({ type, config }) => ({ type, config })),
    },
    deps.inquiryTimeoutMs,
  );
  switch (answer.kind) {
    case 'planned':
      return answer.plans;
    case 'refused':
      throw refused(answer.problems, (pointer) => pointers.config(answer.task, pointer));
    case 'target_failed':
      throw unreachable(pointers.target, answer);
    case 'inspected':
      throw new Error('a worker answered a request for a plan with a look at the target');
  }
}

function refused(problems: readonly ConfigProblem[], pointerOf: (pointer: string) => string): AppError {
  const [first] = problems;
  return new AppError('invalid_request', first?.detail ?? 'The configuration does not fit the target', {
    problems: problems.map(({ pointer, code, detail }) => ({ pointer: pointerOf(pointer), code, detail })),
  });
}
