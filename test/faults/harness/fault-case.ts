import type { Random } from './random.ts';

/** `smoke` is what `npm test` runs, short; `full` is what the issue asks for. */
export type Scale = 'smoke' | 'full';

/** One run of a case. */
export interface Trial {
  /** File name of the case, e.g. `f03-flushall`. */
  readonly name: string;
  readonly seed: number;
  readonly scale: Scale;
  readonly random: Random;
  /** Says what happens, for who reads a failure. */
  log(line: string): void;
  /** A figure worth keeping: printed at the end, never asserted. */
  report(figure: string, value: number | string): void;
}

/** One file of `cases/` exports one of these as `faultCase`. */
export interface FaultCase {
  /** What must hold, as a sentence. */
  readonly promise: string;
  /** Why this machine cannot run it (a tool is missing, not root); undefined = it can. */
  readonly cannotRun?: () => string | undefined | Promise<string | undefined>;
  /** Upper bound of a smoke run. Default 90 000. */
  readonly smokeLimitMs?: number;
  /** Injects, heals, and asks the oracle. Rejects when a promise is broken. */
  run(trial: Trial): Promise<void>;
}
