import type { HealthStatus } from '../health/health.ts';

/** What a module said about itself, true until `expiresAt`. */
export interface Signal {
  readonly module: string;
  readonly status: HealthStatus;
  readonly message: string;
  readonly at: Date;
  readonly expiresAt: Date;
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
}

export interface HealthStore {
  putSignal(signal: { module: string; status: HealthStatus; message: string; lifeSeconds: number }): Promise<Signal>;
  /** Signals, expired ones included until they are an hour old: silence after a signal is news. */
  listSignals(): Promise<readonly Signal[]>;
  beat(worker: Omit<WorkerHeartbeat, 'lastSeenAt'>): Promise<void>;
  /** Removes the row of a worker that stopped in order. */
  signOff(workerId: string): Promise<void>;
  listWorkers(): Promise<readonly WorkerHeartbeat[]>;
  /** Enabled schedules whose due time is past, with how late they are. */
  listLate(): Promise<readonly { readonly scheduleId: string; readonly name: string; readonly lateSeconds: number }[]>;
  /** Round trip to the ledger. Rejects when it is away. */
  ping(): Promise<void>;
}
