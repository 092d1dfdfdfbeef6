import type { Schedule as ScheduleView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { scheduleView } from '../view/schedule-view.ts';

/** One schedule. @throws AppError `not_found` */
export async function getSchedule(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  input: { readonly id: string },
): Promise<ScheduleView> {
  return scheduleView(found(await deps.ledger.schedules.get(input.id), 'schedule', input.id));
}
