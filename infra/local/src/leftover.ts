import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Ends a process that an earlier launcher left behind, if it is still there and its command line holds `marker`; another
 * process that got the same pid since is left alone. Each signal is given `deadlineMs`, SIGKILL comes last by itself.
 * Tells whether there was one.
 */
export async function endLeftover(
  pid: number,
  marker: string,
  signals: readonly NodeJS.Signals[],
  deadlineMs = 20_000,
): Promise<boolean> {
  // The command line of a dead process that nobody has waited for is empty, so such a one counts as gone.
  const isThere = (): boolean => isAlive(pid) && commandLine(pid).includes(marker);
  if (!isThere()) return false;
  for (const signal of [...signals, 'SIGKILL' as const]) {
    if (isThere()) process.kill(pid, signal);
    const deadline = performance.now() + deadlineMs;
    while (isThere() && performance.now() < deadline) await sleep(50);
    if (!isThere()) return true;
  }
  throw new Error(`process ${pid} (${marker}) of an earlier start does not end`);
}

/** `endLeftover` for a server that wrote its pid to the first line of a file; the file is gone afterwards. */
export async function endLeftoverOf(
  pidFile: string,
  marker: string,
  signals: readonly NodeJS.Signals[],
): Promise<void> {
  if (!existsSync(pidFile)) return;
  const pid = Number(readFileSync(pidFile, 'utf8').split('\n')[0]);
  if (pid > 0) await endLeftover(pid, marker, signals);
  rmSync(pidFile, { force: true });
}

/** Whether there is a process with this pid, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return spawnSync('ps', ['-p', String(pid), '-o', 'args='], { encoding: 'utf8' }).stdout ?? '';
  }
}
