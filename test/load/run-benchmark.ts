import type { Benchmark, BenchmarkResult } from './harness/benchmark.ts';
import { startServices } from './harness/services.ts';

// Runs one benchmark in this process and tells its parent the result. usage: run-benchmark.ts NAME [quick]

const [name = '', quick] = process.argv.slice(2);
const { benchmark }: { benchmark: Benchmark } = await import(`./benchmarks/${name}.ts`);

async function measure(): Promise<BenchmarkResult> {
  await using cleanUp = new AsyncDisposableStack();
  const services = await startServices(cleanUp, benchmark.postgresSettings);
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  return await benchmark.run({ quick: quick === 'quick', services, cleanUp, log });
}

process.on('disconnect', () => process.exit(1));
try {
  const result = await measure();
  process.send?.({ title: benchmark.title, ...result }, () => process.exit(0));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exit(1);
}
