import type { Schedule as ScheduleView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { setEnabled } from './set-enabled.ts';

/** Lets a schedule fire: its next due time is counted from now. @throws AppError `not_found` */
export async function enableSchedule(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: { readonly id: string },
): Promise<ScheduleView> {
  return await setEnabled(deps, ctx, { id: input.id, enabled: true });
}
