import { type ChildProcess, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGuard } from './guard.ts';
import { openLog } from './log-file.ts';
import type { ServerAccount } from './server-account.ts';

export interface ServerOptions {
  command: string;
  args: string[];
  account: ServerAccount | undefined;
  /** Receives stdout and stderr. */
  logFile: string;
  /** Sent one after the other, `stopDeadlineMs` apart, until the server is gone; SIGKILL comes last by itself. */
  stopSignals: readonly NodeJS.Signals[];
  /** Patience after each stop signal. Default 20 000. */
  stopDeadlineMs?: number;
  /** Removed when the server was stopped, also when its launcher was killed. */
  temporaryDir?: string;
}

export interface ServerProcess {
  pid: number;
  /** Settles once the process is gone, however it ended. */
  exited: Promise<string>;
  hasExited(): boolean;
  /** The end of its log, for an error message. */
  logTail(): string;
  /** Returns when the process is gone. Calling it twice is fine. */
  stop(): Promise<void>;
}

/**
 * Starts a database server in a session of its own, so that the terminal's Ctrl-C reaches only its launcher, with a guard
 * (a waiting `sh`) that stops the server should the launcher die without having done so.
 */
export async function spawnServer(options: ServerOptions): Promise<ServerProcess> {
  const log = openLog(options.logFile);
  const child = spawn(options.command, options.args, {
    ...options.account,
    detached: true,
    // A bare environment: PGPORT, PGOPTIONS and the like of the caller are not meant for this server.
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' },
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
  });
  log.close();
  const pid = await spawned(child);
  const { stopSignals, temporaryDir } = options;
  const guard = startGuard({ pid, signal: stopSignals[0] ?? 'SIGTERM', temporaryDir });
  let gone = false;
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      gone = true;
      guard.release();
      resolve(signal ?? `exit code ${code}`);
    });
  });
  return {
    pid,
    exited,
    hasExited: () => gone,
    logTail: log.tail,
    stop: async () => {
      for (const signal of [...stopSignals, 'SIGKILL' as const]) {
        if (gone) break;
        child.kill(signal);
        await settledWithin(exited, options.stopDeadlineMs ?? 20_000);
      }
      await exited;
      if (temporaryDir !== undefined) await rm(temporaryDir, { recursive: true, force: true });
    },
  };
}

/** Polls until the server is ready; when it ends first, or takes longer than two minutes, stops it and throws with its log. */
export async function readyServer(
  name: string,
  server: ServerProcess,
  isReady: () => boolean | Promise<boolean>,
): Promise<ServerProcess> {
  const deadline = performance.now() + 120_000;
  while (!(await isReady())) {
    const why = server.hasExited()
      ? await server.exited
      : performance.now() > deadline
        ? 'not ready in time'
        : undefined;
    if (why !== undefined) {
      const log = server.logTail();
      await server.stop();
      throw new Error(`${name} did not start (${why}):\n${log}`);
    }
    await sleep(20);
  }
  return server;
}

/** Waits for the promise, but no longer than the deadline; tells whether it settled. */
export async function settledWithin(promise: Promise<unknown>, deadlineMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), deadlineMs);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function spawned(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => resolve(child.pid as number));
  });
}
