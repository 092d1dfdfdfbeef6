import type { SchedulePage, ScheduleQuery } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { pageView } from '../view/page-view.ts';
import { scheduleView } from '../view/schedule-view.ts';

/** Schedules, newest first. */
export async function listSchedules(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  query: ScheduleQuery,
): Promise<SchedulePage> {
  const { limit, cursor, enabled, name } = query;
  return pageView(await deps.ledger.schedules.list({ limit, cursor }, { enabled, name }), scheduleView);
}
