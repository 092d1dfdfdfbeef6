import { isWithinWindow } from '@slacktide/domain';
import type { Invariant } from './evidence.ts';

/** What a rebuild drops after it was stopped: its own working copy, in the session that made it. */
const cleanUp = /^DROP INDEX CONCURRENTLY .*_cc(?:new|old)\d*"?$/;

/**
 * I7: by the target's own clock and log, nothing that changes it began outside the window of its job; only what a statement
 * left behind that was stopped at the window's end is cleaned up.
 */
export const nothingOutsideWindows: Invariant = async ({ acts, jobs, rig }) => {
  const windows = await rig.ledger<{ id: string; startHour: number; endHour: number }[]>`
    SELECT id, window_start_hour AS "startHour", window_end_hour AS "endHour" FROM jobs WHERE window_start_hour IS NOT NULL`;
  const windowOf = new Map(windows.map(({ id, ...window }) => [id, window]));
  const jobOf = new Map(jobs.flatMap((job) => job.tasks.map((task) => [task.id, job.id] as const)));
  const atWork = new Set<string>();
  return acts.flatMap(({ applicationName, beganAtMs, session, statement, targetId, taskId }) => {
    const window = windowOf.get(jobOf.get(taskId ?? '') ?? '');
    const began = new Date(beganAtMs + rig.ledgerAheadMs);
    if (window === undefined || isWithinWindow(window, began)) {
      atWork.add(session);
      return [];
    }
    if (atWork.has(session) && cleanUp.test(statement)) return [];
    return [
      `${targetId}: ${applicationName} began at ${began.toISOString()}, outside ${window.startHour}–${window.endHour}`,
    ];
  });
};
