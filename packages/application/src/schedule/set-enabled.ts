import type { Schedule as ScheduleView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { scheduleView } from '../view/schedule-view.ts';
import { saveSchedule } from './save-schedule.ts';

/** Switches a schedule's ticks on or off. One that is so already keeps its version. */
export async function setEnabled(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: { readonly id: string; readonly enabled: boolean },
): Promise<ScheduleView> {
  const { id, enabled } = input;
  const action = enabled ? 'schedule.enable' : 'schedule.disable';
  return await deps.ledger.transaction(ctx, async (tx) => {
    const current = found(await tx.schedules.getForUpdate(id), 'schedule', id);
    if (current.enabled !== enabled) return await saveSchedule(tx, ctx, current, { enabled }, action);
    return {
      result: scheduleView(current),
      audit: [{ action, entity: 'schedule', entityId: id, reason: 'was so already' }],
    };
  });
}
