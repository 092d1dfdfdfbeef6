import type { HealthStatus } from '../health/health.ts';

/** What a module said about itself, true until `expiresAt`. */
export interface Signal {
  readonly module: string;
  readonly status: HealthStatus;
  readonly message: string;
  readonly at: Date;
  readonly expiresAt: Date;
}

/** What a module says about itself, from now on for `lifeSeconds`. */
export interface NewSignal extends Pick<Signal, 'module' | 'status' | 'message'> {
  readonly lifeSeconds: number;
}

export interface SignalWriter {
  /** The module's signal, as `listSignals` would have it; until the transaction ends nobody else gets or changes it here. */
  getForUpdate(module: string): Promise<Signal | undefined>;
  put(signal: NewSignal): Promise<Signal>;
}

export interface WorkerHeartbeat {
  readonly id: string;
  readonly host: string;
  readonly version: string;
  readonly taskTypes: readonly string[];
  readonly concurrency: number;
  readonly startedAt: Date;
  readonly lastSeenAt: Date;
  /** Stopping: takes no new work. */
  readonly draining: boolean;
  /** Its clock minus the ledger's, in milliseconds, as it saw it last. */
  readonly clockSkewMs: number;
}

export interface Lateness {
  /** Schedules late by more than was asked for. */
  readonly count: number;
  /** The latest of all, however little that is; null = none is late. */
  readonly worst: { readonly scheduleId: string; readonly name: string; readonly lateSeconds: number } | null;
}

export interface HealthStore {
  /** Writes the signal, unaudited: for what workers see of targets. */
  putSignal(signal: NewSignal): Promise<Signal>;
  /** Writes the signal if the module's present one has the same status; else undefined, and nothing is written. */
  repeatSignal(signal: NewSignal): Promise<Signal | undefined>;
  /** Signals, expired ones included: of a target as long as it exists, of other modules for an hour. */
  listSignals(): Promise<readonly Signal[]>;
  /** Resolves with the ledger's clock, so that the worker can tell how far its own is off. */
  beat(worker: Omit<WorkerHeartbeat, 'lastSeenAt'>): Promise<Date>;
  /** Removes the row of a worker that stopped in order. */
  signOff(workerId: string): Promise<void>;
  listWorkers(): Promise<readonly WorkerHeartbeat[]>;
  /** How late ticks are now: of enabled schedules whose due time is past. */
  readLateness(lateAfterSeconds: number): Promise<Lateness>;
  /** Round trip to the ledger. Rejects when it is away. */
  ping(): Promise<void>;
}
