import type { ScheduleInput, Schedule as ScheduleView } from '@slacktide/contract';
import { type Schedule, timeOrderedId } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { scheduleView } from '../view/schedule-view.ts';
import { checkSchedule } from './check-schedule.ts';
import { nextDueAfter } from './save-schedule.ts';

/**
 * Makes a schedule.
 * @throws AppError `invalid_request` with all that is wrong | `conflict` when the id is taken
 */
export async function createSchedule(
  deps: Pick<Deps, 'ledger' | 'taskTypes' | 'randomBytes'>,
  ctx: RequestContext,
  input: ScheduleInput,
): Promise<ScheduleView> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    const content = await checkSchedule(deps, tx.targets, input);
    const now = await tx.now();
    const schedule: Schedule = {
      ...content,
      id: input.id ?? timeOrderedId(now, deps.randomBytes(16)),
      version: 1,
      nextDueAt: nextDueAfter(content, now),
      lastTickAt: null,
      createdAt: now,
      updatedAt: now,
    };
    await tx.schedules.insert(schedule);
    await tx.outbox.add({ kind: 'schedule.sync', scheduleId: schedule.id });
    const result = scheduleView(schedule);
    return {
      result,
      audit: [{ action: 'schedule.create', entity: 'schedule', entityId: schedule.id, before: null, after: result }],
    };
  });
}
