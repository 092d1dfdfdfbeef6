import type { ScheduleInput, Schedule as ScheduleView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { changeSchedule, type ScheduleChange } from './change-schedule.ts';

/**
 * Replaces a schedule: what the input leaves out goes back to its default.
 * @throws AppError `not_found` | `precondition_failed` | `invalid_request`
 */
export async function replaceSchedule(
  deps: Pick<Deps, 'ledger' | 'taskTypes'>,
  ctx: RequestContext,
  input: ScheduleChange & { readonly schedule: ScheduleInput },
): Promise<ScheduleView> {
  return await changeSchedule(deps, ctx, input, 'schedule.replace', () => input.schedule);
}
