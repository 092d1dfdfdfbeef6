import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** A Node process under load or measure. */
export interface LoadProcess {
  readonly pid: number;
  /** From spawning to being ready, in milliseconds. */
  readonly startMs: number;
  /** What it sends over IPC. */
  onMessage(listener: (message: unknown) => void): void;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, SIGKILL after 20 s; returns when it is gone. */
  stop(): Promise<void>;
}

export interface ProcessStart {
  /** Seen from the checkout, e.g. `apps/worker/src/main.ts`. */
  readonly entry: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Ready when this answers 200; without it when the process sends `ready`. */
  readonly readyUrl?: string;
  /** Options of node, e.g. `['--expose-gc']`. */
  readonly nodeOptions?: readonly string[];
}

/** Starts a process as `npm start` starts the apps, and waits until it is ready; it ends when its parent does. */
export async function startProcess(start: ProcessStart): Promise<LoadProcess> {
  const { entry, args = [], env = {}, readyUrl, nodeOptions = [] } = start;
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    ['--import', './infra/bootstrap/drizzle-imports.mjs', ...nodeOptions, entry, ...args],
    {
      cwd: checkout,
      env: {
        PATH: process.env['PATH'],
        NODE_ENV: 'production',
        SLACKTIDE_PARENT_WATCH: '1',
        LOG_LEVEL: 'warn',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const log: string[] = [];
  const keep = (chunk: Buffer): void => {
    log.push(chunk.toString());
    if (log.length > 200) log.shift();
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  let isGone = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      isGone = true;
      resolve();
    });
  });
  const died = exited.then(() => {
    throw new Error(`${entry} ended instead of becoming ready:\n${log.join('')}`);
  });
  died.catch(() => undefined); // a later end is nobody's concern here
  const ready =
    readyUrl === undefined
      ? new Promise<void>((resolve) => {
          child.on('message', (message) => message === 'ready' && resolve());
        })
      : answers(readyUrl, () => isGone);
  await Promise.race([ready, died]);
  return {
    pid: child.pid as number,
    startMs: performance.now() - startedAt,
    onMessage: (listener) => void child.on('message', listener),
    kill: (signal) => void child.kill(signal),
    async stop() {
      if (isGone) return;
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 20_000);
      await exited;
      clearTimeout(late);
    },
  };
}

async function answers(url: string, isGone: () => boolean): Promise<void> {
  while (!isGone()) {
    const answer = await fetch(url).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
