import { faketimeLibrary } from './host-tools.ts';

/**
 * Environment in which a process started anew sees the calendar's clock moved by `seconds` (negative: into the past) while
 * timers and durations, which use the monotonic clock, stay true. Node and PostgreSQL bear it; Redis (jemalloc) hangs.
 */
export function movedClock(seconds: number): Record<string, string> {
  return {
    LD_PRELOAD: faketimeLibrary(),
    FAKETIME: `${seconds < 0 ? '' : '+'}${seconds}`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  };
}
