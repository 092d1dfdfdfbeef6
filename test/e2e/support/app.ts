import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));

/** A control plane or worker, as a process of its own: what is tested is what runs. */
export interface App {
  readonly pid: number;
  /** Lines of its log, newest last. */
  readonly log: readonly string[];
  /** Settles with the exit code (null after SIGKILL) when the process is gone. */
  readonly exited: Promise<number | null>;
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, and waits for the end. */
  stop(): Promise<number | null>;
}

/** Starts `apps/<name>/src/main.ts` and waits until `url` answers 200. */
export async function startApp(
  name: 'control-plane' | 'worker',
  options: { env: Record<string, string>; args?: readonly string[]; readyUrl: string },
): Promise<App> {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', './infra/bootstrap/drizzle-imports.mjs', `apps/${name}/src/main.ts`, ...(options.args ?? [])],
    {
      cwd: checkout,
      env: { PATH: process.env['PATH'], SLACKTIDE_PARENT_WATCH: '1', ...options.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    },
  );
  const log: string[] = [];
  const keep = (chunk: Buffer): void => void log.push(...chunk.toString().split('\n').filter(Boolean));
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  let gone = false;
  void exited.then(() => {
    gone = true;
  });
  const app: App = {
    pid: child.pid ?? 0,
    log,
    exited,
    kill: (signal) => void child.kill(signal),
    stop: () => {
      if (!gone) child.kill('SIGTERM');
      return exited;
    },
  };
  await ready(app, options.readyUrl, () => gone);
  return app;
}

async function ready(app: App, url: string, gone: () => boolean): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline) {
    if (gone()) break;
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    if (answer?.status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  app.kill('SIGKILL');
  throw new Error(`${url} did not become ready:\n${app.log.slice(-40).join('\n')}`);
}
