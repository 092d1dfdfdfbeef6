import { spawn } from 'node:child_process';
import { type ProgramEnd, TargetError } from '@slacktide/application/ports';

const keptOutputBytes = 16 * 1024;

export interface ProgramRun {
  readonly path: string;
  readonly args: readonly string[];
  /** All of it: nothing of our own environment is passed on. */
  readonly env: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** From SIGINT, which lets it clean up, to SIGKILL. */
  readonly killAfterMs: number;
}

/**
 * Runs a program to its end: no shell, no input. It never outlives us: a guard interrupts it when our process is gone.
 * @throws TargetError `cancelled` after an abort, once it is gone; `statement_failed` when it cannot be started.
 */
export async function runProcess({ path, args, env, signal, killAfterMs }: ProgramRun): Promise<ProgramEnd> {
  if (signal.aborted) throw new TargetError('cancelled', 'The work was cancelled before the program began.');
  const startedAtMs = performance.now();
  const child = spawn(path, [...args], { env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
  const guard = child.pid === undefined ? undefined : startGuard(child.pid, killAfterMs);
  const output = collect(child.stdout, child.stderr);
  let late: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    child.kill('SIGINT');
    late = setTimeout(() => child.kill('SIGKILL'), killAfterMs);
  };
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (signal.aborted) throw new TargetError('cancelled', 'The program was interrupted.');
    return { exitCode, output: output(), durationMs: Math.round(performance.now() - startedAtMs) };
  } catch (error) {
    if (error instanceof TargetError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new TargetError('statement_failed', `The program ${path} cannot be started (${code ?? 'unknown error'}).`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener('abort', interrupt);
    clearTimeout(late);
    guard?.release();
  }
}

/** The end of what streams say, together. */
function collect(...streams: readonly NodeJS.ReadableStream[]): () => string {
  let kept = Buffer.alloc(0);
  for (const stream of streams) {
    stream.on('data', (chunk: Buffer) => {
      kept = Buffer.concat([kept, chunk]);
      kept = kept.subarray(Math.max(0, kept.length - keptOutputBytes));
    });
  }
  return () => kept.toString('utf8');
}

/** End of file on its input tells that the worker is dead; the word `done`, that there is nothing left to do. */
const guardScript = `
read -r word
[ "$word" = done ] && exit 0
kill -s INT "$1"
waited=0
while kill -s 0 "$1" 2>/dev/null && [ $waited -lt "$2" ]; do sleep 0.1; waited=$((waited + 1)); done
kill -s KILL "$1" 2>/dev/null
`;

/** Waits beside the program in a group of its own, so that what kills the worker's group leaves it. */
function startGuard(pid: number, killAfterMs: number): { release(): void } {
  const guard = spawn('/bin/sh', ['-c', guardScript, 'guard', String(pid), String(Math.ceil(killAfterMs / 100))], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  guard.on('error', () => undefined);
  guard.stdin.on('error', () => undefined);
  return { release: () => guard.stdin.end('done\n') };
}
