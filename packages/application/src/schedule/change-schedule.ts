import type { ScheduleInput, Schedule as ScheduleView } from '@slacktide/contract';
import type { Schedule } from '@slacktide/domain';
import { invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found, sameVersion } from '../preconditions.ts';
import { checkSchedule } from './check-schedule.ts';
import { saveSchedule } from './save-schedule.ts';

/** Which schedule is to be changed, and the version the author of the change saw; null = whichever there is. */
export interface ScheduleChange {
  readonly id: string;
  readonly expectedVersion: number | null;
}

/** Replaces a schedule's content by what `next` makes of the present one, judged as a whole. */
export async function changeSchedule(
  deps: Pick<Deps, 'ledger' | 'taskTypes'>,
  ctx: RequestContext,
  change: ScheduleChange,
  action: string,
  next: (current: Schedule) => ScheduleInput,
): Promise<ScheduleView> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    const current = found(await tx.schedules.getForUpdate(change.id), 'schedule', change.id);
    sameVersion(current.version, change.expectedVersion);
    const input = next(current);
    if (input.id !== undefined && input.id !== current.id) {
      throw invalid('/id', 'immutable', 'The id of a schedule cannot be changed');
    }
    const content = await checkSchedule(deps, tx.targets, input);
    const isOff = current.tasks.some(({ type }) => deps.taskTypes.isOff(type));
    return await saveSchedule(tx, ctx, current, content, action, isOff ? 'task_type_off' : undefined);
  });
}
