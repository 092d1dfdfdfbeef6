import type { Schedule as ScheduleView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { setEnabled } from './set-enabled.ts';

/** Stops a schedule from firing; jobs under way go on, and it can still be run by hand. @throws AppError `not_found` */
export async function disableSchedule(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: { readonly id: string },
): Promise<ScheduleView> {
  return await setEnabled(deps, ctx, { id: input.id, enabled: false });
}
