import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BenchTransaction, parseBenchLog } from './pgbench-log.ts';

/** What a client does again and again: a script in pgbench's language, run as often as its weight among all says. */
export interface BenchScript {
  readonly name: string;
  readonly sql: string;
  readonly weight: number;
}

export interface BenchLoad {
  /** Of the program, see `pgbenchProgram`. */
  readonly program: string;
  /** Of the database, with its password. */
  readonly url: string;
  readonly scripts: readonly BenchScript[];
  readonly clients: number;
  /** Transactions a second of all clients, whether the server keeps up or not; left out = as many as it takes. */
  readonly ratePerSecond?: number;
}

export interface BenchEnd {
  /** 0 only when no session of it was ended and no statement failed. */
  readonly exitCode: number | null;
  readonly transactions: readonly BenchTransaction[];
  readonly failed: number;
  /** What it said on its way, for whoever asks why. */
  readonly said: string;
}

/** pgbench at work. */
export interface Pgbench {
  /** Has it finish what it began and end, once all its sessions are there; resolves as well when it has ended before. */
  stop(): Promise<BenchEnd>;
  kill(): void;
}

/** Makes pgbench's four tables: 100 000 accounts for each of `scale`. @throws Error with what it said. */
export function makeBenchTables(program: string, url: string, scale: number): void {
  const { address, env } = without(url);
  const made = spawnSync(program, ['-i', '-q', '-s', String(scale), address], { env, encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`pgbench -i: ${made.stderr}`);
}

/** Starts it; it goes on until it is stopped, or a client of it has failed. */
export function startPgbench({ program, url, scripts, clients, ratePerSecond }: BenchLoad): Pgbench {
  const folder = mkdtempSync(join(tmpdir(), 'slacktide-pgbench-'));
  const { address, env } = without(url);
  const files = scripts.flatMap(({ name, sql, weight }) => {
    const file = join(folder, `${name}.sql`);
    writeFileSync(file, sql);
    return ['-f', `${file}@${weight}`];
  });
  const child = spawn(
    program,
    [
      '--no-vacuum',
      '--log',
      `--log-prefix=${join(folder, 'log')}`,
      '--random-seed=5',
      `--client=${clients}`,
      // Only to have it listen to SIGALRM: an hour is longer than anybody needs it.
      '--time=3600',
      ...(ratePerSecond === undefined ? [] : [`--rate=${ratePerSecond}`]),
      ...files,
      address,
    ],
    { env, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const ended = (async (): Promise<BenchEnd> => {
    try {
      await once(child, 'close');
      return { exitCode: child.exitCode, ...parseBenchLog(readLogs(folder)), said };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  })();
  ended.catch(() => undefined); // told by `stop`
  return {
    stop: async () => {
      // What pgbench sends itself when its time is up.
      child.kill('SIGALRM');
      return await ended;
    },
    kill: () => void child.kill('SIGKILL'),
  };
}

/** A file a thread. */
function readLogs(folder: string): string {
  const names = readdirSync(folder).filter((name) => name.startsWith('log.'));
  return names.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
}

/** The password is not for every process of the host to read. */
function without(url: string): { readonly address: string; readonly env: NodeJS.ProcessEnv } {
  const address = new URL(url);
  const password = decodeURIComponent(address.password);
  address.password = '';
  return { address: address.href, env: { ...process.env, PGPASSWORD: password, PGAPPNAME: 'pgbench' } };
}
