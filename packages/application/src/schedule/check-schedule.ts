import type { ScheduleInput } from '@slacktide/contract';
import { checkCron, type Schedule, type TargetSelection } from '@slacktide/domain';
import { AppError, type FieldProblem } from '../app-error.ts';
import type { TargetReaderStore } from '../ports/index.ts';
import { checkTasks } from '../task-type/check-tasks.ts';
import type { TaskTypeCatalog } from '../task-type/task-type-catalog.ts';

/** What a request says of a schedule, checked. */
export type ScheduleContent = Omit<Schedule, 'id' | 'version' | 'nextDueAt' | 'lastTickAt' | 'createdAt' | 'updatedAt'>;

/**
 * Judges a schedule as a whole: cron, zone, tasks and their configurations, and that its targets exist. Labels may
 * match nothing yet.
 * @throws AppError `invalid_request` with all that is wrong
 */
export async function checkSchedule(
  deps: { readonly taskTypes: TaskTypeCatalog },
  targets: Pick<TargetReaderStore, 'findByIds'>,
  input: ScheduleInput,
): Promise<ScheduleContent> {
  const cron = checkCron(input.cron_expression, input.timezone);
  const tasks = checkTasks(deps.taskTypes, input.tasks);
  const selection = selectionOf(input);
  const problems: FieldProblem[] = [
    ...(cron.kind === 'invalid'
      ? [{ pointer: `/${cron.field}`, code: `invalid_${cron.field}`, detail: cron.detail }]
      : []),
    ...(tasks.kind === 'problems' ? tasks.problems : []),
    ...(await unknownTargets(targets, selection)),
  ];
  if (problems.length > 0 || tasks.kind === 'problems') throw refuse(problems);
  return {
    name: input.name,
    description: input.description,
    cronExpression: input.cron_expression,
    timezone: input.timezone,
    window: windowOf(input),
    targets: selection,
    tasks: tasks.tasks,
    haltOnTaskFailure: input.halt_on_task_failure,
    enabled: input.enabled,
    misfirePolicy: input.misfire_policy,
    misfireMax: input.misfire_max,
    catchUpSeconds: input.catch_up_seconds,
    overlapPolicy: input.overlap_policy,
  };
}

function refuse(problems: readonly FieldProblem[]): AppError {
  const [first] = problems;
  return new AppError('invalid_request', first?.detail ?? 'The schedule is not valid', { problems });
}

function windowOf({
  window_start_hour: startHour,
  window_end_hour: endHour,
}: ScheduleInput): ScheduleContent['window'] {
  return startHour === null || endHour === null ? null : { startHour, endHour };
}

function selectionOf({ target_ids: ids, target_labels: labels }: ScheduleInput): TargetSelection {
  if (ids !== null) return { kind: 'ids', ids };
  if (labels !== null) return { kind: 'labels', labels };
  throw new Error('the contract lets no schedule pass without targets');
}

async function unknownTargets(
  targets: Pick<TargetReaderStore, 'findByIds'>,
  selection: TargetSelection,
): Promise<FieldProblem[]> {
  if (selection.kind === 'labels') return [];
  const known = new Set((await targets.findByIds(selection.ids)).map(({ id }) => id));
  return selection.ids.flatMap((id, position) =>
    known.has(id)
      ? []
      : [{ pointer: `/target_ids/${position}`, code: 'unknown_target', detail: `There is no target ${id}` }],
  );
}
