import type { Job, WindowHours } from '@slacktide/domain';
import type { jobs } from '../schema/jobs.ts';

/** A row of `jobs` as a query returns it. */
export type JobRow = typeof jobs.$inferSelect;

/** The job of a row. */
export function toJob({ windowStartHour, windowEndHour, ...job }: JobRow): Job {
  return { ...job, window: toWindow(windowStartHour, windowEndHour) };
}

/** The hours of a window as two columns keep them. */
export function toWindow(startHour: number | null, endHour: number | null): WindowHours | null {
  return startHour === null || endHour === null ? null : { startHour, endHour };
}
