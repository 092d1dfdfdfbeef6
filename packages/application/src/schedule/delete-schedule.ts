import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found, sameVersion } from '../preconditions.ts';
import { settleDueTicks } from '../tick/settle-due-ticks.ts';
import { scheduleView } from '../view/schedule-view.ts';
import type { ScheduleChange } from './change-schedule.ts';

/** Deletes a schedule; its jobs stay in history, those under way go on, and a tick that is due becomes SKIPPED (`disabled`). @throws AppError `not_found` | `precondition_failed` */
export async function deleteSchedule(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: ScheduleChange,
): Promise<null> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    const current = found(await tx.schedules.getForUpdate(input.id), 'schedule', input.id);
    sameVersion(current.version, input.expectedVersion);
    const settled = await settleDueTicks(tx, ctx, current, 'disabled');
    await tx.schedules.delete(current.id);
    await tx.outbox.add({ kind: 'schedule.sync', scheduleId: current.id });
    return {
      result: null,
      audit: [
        {
          action: 'schedule.delete',
          entity: 'schedule',
          entityId: current.id,
          before: scheduleView(current),
          after: null,
        },
        ...settled,
      ],
    };
  });
}
