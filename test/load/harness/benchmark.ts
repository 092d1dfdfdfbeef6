import type { Services } from './services.ts';
import { type Spread, spread } from './statistics.ts';

/** One line of the report. */
export interface Row {
  /** Number of the goal, e.g. `G1`; empty for a figure that only explains another. */
  readonly goal: string;
  readonly what: string;
  /** Of `product` and `reference`, e.g. `jobs/s` or `ms`. */
  readonly unit: string;
  readonly product: Spread;
  readonly reference?: { readonly what: string; readonly value: Spread };
  /** Product / reference, pair by pair. */
  readonly ratio?: Spread;
  /** What is wanted, in words, e.g. `ratio ≥ 0.50`. Left out = nothing. */
  readonly wanted?: string;
  /** Whether it is so. */
  readonly met?: boolean;
}

export interface BenchmarkResult {
  readonly rows: readonly Row[];
  /** From all rounds; see `calibrate`. */
  readonly calibrationMs: readonly number[];
  /** What was measured and how, where the rows do not say it; Markdown. */
  readonly notes: readonly string[];
}

/** What a benchmark is given. */
export interface BenchmarkRun {
  /** A few seconds, only to see that figures come out. */
  readonly quick: boolean;
  /** Servers of its own, gone when it ends. */
  readonly services: Services;
  /** Ends what the benchmark started, last first, also when it fails. */
  readonly cleanUp: AsyncDisposableStack;
  readonly log: (line: string) => void;
}

/** A benchmark: one file, run in a process of its own. */
export interface Benchmark {
  readonly title: string;
  /** Settings of the servers that differ from the usual, e.g. `{ fsync: 'off' }`. */
  readonly postgresSettings?: Readonly<Record<string, string>>;
  run(run: BenchmarkRun): Promise<BenchmarkResult>;
}

/** A figure that was taken once. */
export function single(value: number): Spread {
  return spread([value]);
}
