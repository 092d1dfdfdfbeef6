import type { Target } from '@slacktide/domain';
import type { Intent } from './task-executions.ts';

export interface Notice {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
}

/** Reads on a target. Rejects with TargetError. */
export interface TargetReader {
  /** server_version_num, e.g. 180004. */
  readonly serverVersion: number;
  /** Who this session is on the server: what the ledger keeps before anything is done. */
  readonly identity: Intent;
  query<R extends object = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<R[]>;
}

/** The session that acts: direct, never pooled, never reconnecting, holding the target's advisory lock as long as it lives. */
export interface TargetSession extends TargetReader {
  /** Runs one statement, alone in its string; resolves with the notices it raised. Rejects with TargetError (`cancelled` after an abort). */
  execute(statement: string): Promise<{ readonly notices: readonly Notice[]; readonly durationMs: number }>;
  /** As `execute`, but allowed after an abort too, and bounded (20 s): takes back what our own statement left behind. */
  cleanUp(statement: string): Promise<{ readonly notices: readonly Notice[]; readonly durationMs: number }>;
}

/** Why a target could not be worked on, in terms that are safe to show. */
export type TargetErrorCode =
  | 'unreachable'
  | 'authentication_failed'
  | 'secret_unavailable'
  | 'pooled'
  | 'in_recovery'
  | 'unsupported_version'
  | 'locked_elsewhere'
  | 'cancelled'
  | 'lock_timeout'
  | 'statement_timeout'
  | 'insufficient_privilege'
  | 'session_lost'
  | 'statement_failed';

export class TargetError extends Error {
  readonly code: TargetErrorCode;
  /** SQLSTATE where the server gave one. */
  readonly sqlState: string | null;

  constructor(
    code: TargetErrorCode,
    publicMessage: string,
    options: { sqlState?: string | null; cause?: unknown } = {},
  ) {
    super(publicMessage, { cause: options.cause });
    this.name = 'TargetError';
    this.code = code;
    this.sqlState = options.sqlState ?? null;
  }
}

/** A target as somebody may ask about it before it is registered. */
export type TargetAddress = Pick<Target, 'kind' | 'connection' | 'secretRef'>;

/** What a look at a target tells. */
export interface TargetFacts {
  readonly serverVersion: string;
  readonly database: string;
  readonly role: string;
  readonly systemIdentifier: string;
  readonly inRecovery: boolean;
  readonly sizeBytes: number;
  readonly latencyMs: number;
}

/** Opens sessions; the only place where a secret reference becomes a secret. */
export interface TargetGateway {
  /** Connects, looks, disconnects. Rejects with TargetError. */
  inspect(address: TargetAddress): Promise<TargetFacts>;
  /** A read-only session for planning and `observe` work; ended when `use` settles. `signal` cancels what is in flight. */
  read<T>(
    address: TargetAddress,
    options: { applicationName: string; signal?: AbortSignal },
    use: (reader: TargetReader) => Promise<T>,
  ): Promise<T>;
  /**
   * A session for `act` work: settings of target-session.md, advisory lock taken by try (else `locked_elsewhere`), plus an observer.
   * `signal` cancels the statement in flight over the observer's own connection (pg_cancel_backend, then terminate). Ended when `use` settles.
   */
  act<T>(
    address: TargetAddress,
    options: ActOptions,
    use: (session: TargetSession, observer: TargetReader) => Promise<T>,
  ): Promise<T>;
}
export interface ActOptions {
  /** `slacktide/<task>/<fence>` */
  readonly applicationName: string;
  /** Upper bound of any one statement. */
  readonly statementTimeoutMs: number;
  readonly signal: AbortSignal;
}
