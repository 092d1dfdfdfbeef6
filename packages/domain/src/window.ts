import type { WindowHours } from './schedule.ts';

const hourMs = 3_600_000;

/**
 * True when work may run at `now`. Hours are UTC, whatever the schedule's time zone, so no change of clocks moves a window.
 * Open from the first instant of `startHour` up to, not including, the first of `endHour`; 22→4 spans midnight;
 * equal hours, and no window at all, mean always.
 */
export function isWithinWindow(window: WindowHours | null, now: Date): boolean {
  if (window === null || window.startHour === window.endHour) return true;
  return hoursFrom(window.startHour, now.getUTCHours()) < hoursFrom(window.startHour, window.endHour);
}

/** First instant from `now` on at which work may not run: the end of the present opening, `now` itself when it is closed already, null when it never closes. */
export function windowClosesAt(window: WindowHours | null, now: Date): Date | null {
  if (window === null || window.startHour === window.endHour) return null;
  if (!isWithinWindow(window, now)) return now;
  const startOfHourMs = Math.floor(now.getTime() / hourMs) * hourMs;
  return new Date(startOfHourMs + hoursFrom(now.getUTCHours(), window.endHour) * hourMs);
}

/** Hours from one hour of the day to the next occurrence of another, 0 to 23. */
function hoursFrom(from: number, to: number): number {
  return (to - from + 24) % 24;
}
