import type { Schedule as ScheduleView } from '@slacktide/contract';
import { nextFiring, type Schedule, type SkipReason } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Committed, LedgerTransaction, RequestContext } from '../ports/index.ts';
import { settleDueTicks } from '../tick/settle-due-ticks.ts';
import { scheduleView } from '../view/schedule-view.ts';

type Timing = Pick<Schedule, 'enabled' | 'cronExpression' | 'timezone'>;

/** When a schedule is due next after `now`; null while disabled. */
export function nextDueAfter(schedule: Timing, now: Date): Date | null {
  return schedule.enabled ? nextFiring(schedule.cronExpression, schedule.timezone, now) : null;
}

/**
 * Writes a changed schedule as its next version, asks the relay to keep its timer in step, and tells the audit log. Ticks that came due before
 * its timing changed are fired as it was, or SKIPPED for the reason `instead`; those before it was disabled are SKIPPED (`disabled`).
 */
export async function saveSchedule(
  tx: LedgerTransaction,
  ctx: RequestContext,
  current: Schedule,
  change: Partial<Schedule>,
  action: string,
  instead?: SkipReason,
): Promise<Committed<ScheduleView>> {
  const now = await tx.now();
  const changed = { ...current, ...change, version: current.version + 1, updatedAt: now };
  // A tick that is due but not yet handled must not be forgotten because the name was changed.
  const keepsTiming = sameTiming(current, changed);
  const settled = keepsTiming ? [] : await settleDueTicks(tx, ctx, current, changed.enabled ? instead : 'disabled');
  const schedule = { ...changed, nextDueAt: keepsTiming ? current.nextDueAt : nextDueAfter(changed, now) };
  if (!(await tx.schedules.update(schedule))) {
    throw new AppError('precondition_failed', 'The schedule was changed by somebody else: read it again');
  }
  await tx.outbox.add({ kind: 'schedule.sync', scheduleId: schedule.id });
  const result = scheduleView(schedule);
  return {
    result,
    audit: [
      { action, entity: 'schedule', entityId: schedule.id, before: scheduleView(current), after: result },
      ...settled,
    ],
  };
}

function sameTiming(a: Timing, b: Timing): boolean {
  return a.enabled === b.enabled && a.cronExpression === b.cronExpression && a.timezone === b.timezone;
}
