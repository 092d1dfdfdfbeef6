import { fieldProblems, ScheduleInput, type SchedulePatch, type Schedule as ScheduleView } from '@slacktide/contract';
import type { Json, Schedule } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { scheduleView } from '../view/schedule-view.ts';
import { changeSchedule, type ScheduleChange } from './change-schedule.ts';
import { mergePatch } from './merge-patch.ts';

/**
 * Changes some fields of a schedule by a JSON merge patch (RFC 7396): null takes a field back to its default, arrays are
 * replaced. The merged document is judged as a whole.
 * @throws AppError `not_found` | `precondition_failed` | `invalid_request`
 */
export async function patchSchedule(
  deps: Pick<Deps, 'ledger' | 'taskTypes'>,
  ctx: RequestContext,
  input: ScheduleChange & { readonly patch: SchedulePatch },
): Promise<ScheduleView> {
  return await changeSchedule(deps, ctx, input, 'schedule.patch', (current) => merge(current, input.patch));
}

function merge(current: Schedule, patch: SchedulePatch): ScheduleInput {
  const parsed = ScheduleInput.safeParse(mergePatch(documentOf(current), patch as Json));
  if (parsed.success) return parsed.data;
  throw new AppError('invalid_request', 'The patched schedule would not be valid', {
    problems: fieldProblems(parsed.error),
  });
}

/** The part of a schedule that its author writes: the rest is not a patch's to touch. */
function documentOf(schedule: Schedule): Json {
  const {
    version: _version,
    next_due_at: _nextDueAt,
    last_tick_at: _lastTickAt,
    created_at: _createdAt,
    updated_at: _updatedAt,
    ...document
  } = scheduleView(schedule);
  return document;
}
