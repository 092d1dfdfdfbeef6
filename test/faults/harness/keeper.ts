import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

const checkout = fileURLToPath(new URL('../../../', import.meta.url));
/** How soon a dead process is started again. */
const restartAfterMs = 100;
/** … and how soon when it did not live for this long: its ledger may be away. */
const shortLifeMs = 2_000;
const restartSlowlyMs = 500;

export interface KeeperOptions {
  /** For logs, e.g. `worker-2`. */
  readonly name: string;
  /** Path of the main within the checkout. */
  readonly script: string;
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What node is started by, e.g. `['ip', 'netns', 'exec', 'cut']`. */
  readonly command?: readonly string[];
  /** Other checkout, e.g. of the release before. */
  readonly cwd?: string;
  /** Answers 200 when the process is ready. Unset = as soon as it runs (e.g. in a network of its own). */
  readonly readyUrl?: string;
}

/** Keeps one process of ours running, as Kubernetes would: whoever ends by itself or is killed is started again. */
export class Keeper {
  readonly name: string;
  /** All it ever wrote, every life. */
  readonly log: string[] = [];
  readonly readyUrl: string | undefined;
  readonly #options: KeeperOptions;
  #child: ChildProcess | undefined;
  #exited: Promise<number | NodeJS.Signals | null> = Promise.resolve(null);
  #wanted = false;
  #lives = 0;
  #restart: NodeJS.Timeout | undefined;

  constructor(options: KeeperOptions) {
    this.name = options.name;
    this.readyUrl = options.readyUrl;
    this.#options = options;
  }

  /** How often it was started. */
  get lives(): number {
    return this.#lives;
  }
  /** 0 while it is dead. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }
  get isAlive(): boolean {
    return this.#child !== undefined;
  }
  /** Of the present life, or the last one: settles with exit code or signal. */
  get exited(): Promise<number | NodeJS.Signals | null> {
    return this.#exited;
  }

  /** Starts it, this life with `extraEnv` on top. Later lives go without. */
  start(extraEnv: Readonly<Record<string, string>> = {}): void {
    this.#wanted = true;
    clearTimeout(this.#restart);
    if (this.#child !== undefined) return;
    const { args = [], command = [], cwd = checkout, env, script } = this.#options;
    const [program, ...rest] = [...command, process.execPath];
    const child = spawn(
      program as string,
      [...rest, '--import', './infra/bootstrap/drizzle-imports.mjs', script, ...args],
      {
        cwd,
        env: { PATH: process.env['PATH'], SLACKTIDE_PARENT_WATCH: '1', ...env, ...extraEnv },
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      },
    );
    const bornAtMs = performance.now();
    this.#child = child;
    this.#lives += 1;
    const keep = (chunk: Buffer): void => void this.log.push(...chunk.toString().split('\n').filter(Boolean));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.on('error', (error) => this.log.push(`${this.name}: ${error.message}`));
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#child = undefined;
        this.log.push(`${this.name}: ended with ${signal ?? code}`);
        resolve(signal ?? code);
        if (!this.#wanted) return;
        const soon = performance.now() - bornAtMs < shortLifeMs;
        this.#restart = setTimeout(() => this.start(), soon ? restartSlowlyMs : restartAfterMs);
      });
    });
  }

  /** Resolves once it is ready, in whatever life. */
  async ready(limitMs = 60_000): Promise<void> {
    const { readyUrl } = this;
    if (readyUrl === undefined) return;
    await until(
      `${this.name} to be ready:\n${this.log.slice(-20).join('\n')}`,
      async () => (await fetch(readyUrl, { signal: AbortSignal.timeout(2_000) })).status === 200,
      { limitMs },
    ).catch((error: Error) => {
      throw new Error(`${error.message}\n${this.log.slice(-30).join('\n')}`, { cause: error });
    });
  }

  /** Sends a signal; what it ends by SIGKILL or SIGTERM is started again. */
  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** kill -9, and waits until it is dead. It is started again, unless `andStay` says dead. */
  async kill({ andStay }: { andStay?: 'dead' } = {}): Promise<void> {
    if (andStay === 'dead') this.#wanted = false;
    clearTimeout(andStay === 'dead' ? this.#restart : undefined);
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  /** SIGTERM, and waits for the end; it is not started again. Resolves with exit code or signal. */
  async stop(): Promise<number | NodeJS.Signals | null> {
    this.#wanted = false;
    clearTimeout(this.#restart);
    this.#child?.kill('SIGTERM');
    return await this.#exited;
  }

  /** SIGSTOP: alive to everybody who does not ask. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Arms failpoints in the present life, and waits until they are. */
  async arm(failpoints: string): Promise<void> {
    const child = this.#child;
    if (child === undefined) throw new Error(`${this.name} is dead: nothing to arm`);
    const armed = new Promise<void>((resolve, reject) => {
      child.once('message', () => resolve());
      child.once('exit', () => reject(new Error(`${this.name} died before it was armed`)));
    });
    child.send({ failpoints });
    await armed;
  }
}
