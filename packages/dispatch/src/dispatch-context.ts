import type { Telemetry } from 'bullmq';
import type { Connections } from './connection.ts';
import type { OnError } from './error-report.ts';

/** What every part of the dispatch needs. */
export interface DispatchContext {
  readonly connections: Connections;
  /** Head of every key in Redis. */
  readonly prefix: string;
  /** Undefined = no spans, and no context in jobs. */
  readonly telemetry: Telemetry | undefined;
  /** The ledger's time, in milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly onError: OnError;
}
