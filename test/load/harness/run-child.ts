import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchmarkResult } from './benchmark.ts';

/** Runs a benchmark in a process of its own. @throws Error when it fails, or takes longer than `limitMs`. */
export async function runChild(
  name: string,
  options: { readonly quick: boolean; readonly limitMs: number },
): Promise<BenchmarkResult & { readonly title: string }> {
  const child = fork(fileURLToPath(new URL('../run-benchmark.ts', import.meta.url)), [
    name,
    ...(options.quick ? ['quick'] : []),
  ]);
  return await new Promise((resolve, reject) => {
    let result: (BenchmarkResult & { readonly title: string }) | undefined;
    // Its servers and processes end by themselves when it is gone.
    const late = setTimeout(() => child.kill('SIGKILL'), options.limitMs);
    child.on('message', (message) => {
      result = message as typeof result;
    });
    child.once('exit', (code, signal) => {
      clearTimeout(late);
      if (result !== undefined) resolve(result);
      else reject(new Error(`${name} ended without a result (${signal ?? `exit code ${code}`})`));
    });
  });
}
