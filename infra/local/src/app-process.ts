import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkout } from './checkout.ts';
import { openLog } from './log-file.ts';
import { settledWithin } from './server-process.ts';
import { endedUnexpectedly } from './supervisor.ts';

/** A running control plane or worker. */
export interface AppProcess {
  name: string;
  pid: number;
  /** Settles when the process is gone: how it ended. */
  exited: Promise<string>;
  hasExited(): boolean;
  logTail(): string;
  /** SIGTERM, and SIGKILL after `deadlineMs`. Returns when the process is gone. */
  stop(deadlineMs: number): Promise<void>;
}

export interface AppOptions {
  /** As people call it. */
  name: string;
  /** Entry point, seen from the checkout's directory. */
  main: string;
  env: NodeJS.ProcessEnv;
  logFile: string;
}

/**
 * Starts one of our apps. It gets a session of its own, so that Ctrl-C reaches only the launcher, which stops things in
 * order, and an IPC channel and a stdin whose end tells it (SLACKTIDE_PARENT_WATCH) that the launcher is dead.
 */
export function startApp({ name, main, env, logFile }: AppOptions): AppProcess {
  const log = openLog(logFile);
  const child = spawn(process.execPath, ['--import', './infra/bootstrap/drizzle-imports.mjs', main], {
    cwd: checkout,
    detached: true,
    env: { ...env, SLACKTIDE_PARENT_WATCH: '1' },
    stdio: ['pipe', log.fd, log.fd, 'ipc'],
  });
  log.close();
  child.stdin?.on('error', () => undefined);
  let gone = false;
  const exited = new Promise<string>((resolve) => {
    const end = (how: string): void => {
      gone = true;
      resolve(how);
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => end(signal ?? `exit code ${code}`));
  });
  return {
    name,
    pid: child.pid ?? 0,
    exited,
    hasExited: () => gone,
    logTail: log.tail,
    stop: async (deadlineMs) => {
      if (!gone) child.kill('SIGTERM');
      if (!(await settledWithin(exited, deadlineMs))) child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Waits until each of the URLs answers 200. Throws when the app ends first, or does not get there within `deadlineMs`. */
export async function appReady(
  app: AppProcess,
  urls: string[],
  deadlineMs: number,
  signal: AbortSignal,
): Promise<void> {
  const deadline = performance.now() + deadlineMs;
  for (const url of urls) {
    for (let answer = await answerOf(url); answer !== undefined; answer = await answerOf(url)) {
      signal.throwIfAborted();
      if (app.hasExited()) throw endedUnexpectedly(app.name, await app.exited, app.logTail());
      if (performance.now() > deadline) {
        throw new Error(
          `${app.name} was not ready after ${deadlineMs / 1000} s: ${url} says ${answer}\n${app.logTail()}`,
        );
      }
      await sleep(100);
    }
  }
}

/** Undefined for a 200, otherwise what came back in its place. */
async function answerOf(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    const body = await response.text();
    return response.status === 200 ? undefined : `${response.status} ${body.slice(0, 500)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
