import type { Schedule } from '@slacktide/domain';
import { toWindow } from '../jobs/job-row.ts';
import type { schedules } from '../schema/schedules.ts';

/** A row of `schedules` as a query returns it. */
export type ScheduleRow = typeof schedules.$inferSelect;

/** The schedule of a row. */
export function toSchedule({ windowStartHour, windowEndHour, ...schedule }: ScheduleRow): Schedule {
  return { ...schedule, window: toWindow(windowStartHour, windowEndHour) };
}
