import type { LoadFigures, Target, ThrottleLimits } from '@slacktide/domain';
import type { ServerEpoch } from './server-epoch.ts';
import type { LockLook, WorkedTable } from './target-looks.ts';
import type { Intent } from './task-executions.ts';

export interface Notice {
  readonly severity: string;
  readonly code: string;
  readonly message: string;
}

/** A program that a worker may have, and that works on a target in sessions of its own. */
export type ClientProgram = 'pg_repack';

/** How a program ended. */
export interface ProgramEnd {
  /** Null = a signal ended it. */
  readonly exitCode: number | null;
  /** The end of what it wrote, 16 KiB at most: names and rows of the target may be in it. */
  readonly output: string;
  readonly durationMs: number;
}

/** Bounds of one read, where those of its session do not suit it. */
export interface ReadBounds {
  /** Default: 30 s. */
  readonly statementTimeoutMs?: number;
  /** Default: 1 s. */
  readonly lockTimeoutMs?: number;
}

/** Reads on a target. Rejects with TargetError. */
export interface TargetReader {
  /** server_version_num, e.g. 180004. */
  readonly serverVersion: number;
  /** Who this session is on the server: what the ledger keeps before anything is done. */
  readonly identity: Intent;
  query<R extends object = Record<string, unknown>>(sql: string, parameters?: readonly unknown[]): Promise<R[]>;
  /** As `query`, within other bounds: for one read at a time, while nobody else reads in this session. Left out = `query` is all there is. */
  queryWithin?<R extends object = Record<string, unknown>>(
    bounds: ReadBounds,
    sql: string,
    parameters?: readonly unknown[],
  ): Promise<R[]>;
  /** The version of a program as it tells it, e.g. `1.5.2`; undefined = the worker has none. Left out = there are no programs here. */
  programVersion?(program: ClientProgram): Promise<string | undefined>;
}

/** The session that acts: direct, never pooled, never reconnecting, holding the target's advisory lock as long as it lives. */
export interface TargetSession extends TargetReader {
  /**
   * Runs one statement, alone in its string; resolves with the notices it raised, and how many rows it changed (null = not that kind). Rejects with
   * TargetError (`cancelled` after an abort, of the work or of `signal`, which ends this statement only).
   */
  execute(
    statement: string,
    options?: { readonly signal?: AbortSignal; readonly parameters?: readonly unknown[] },
  ): Promise<{ readonly notices: readonly Notice[]; readonly durationMs: number; readonly rowCount?: number | null }>;
  /** As `execute`, but allowed after an abort too, and bounded (20 s): takes back what our own statement left behind. */
  cleanUp(statement: string): Promise<{ readonly notices: readonly Notice[]; readonly durationMs: number }>;
  /**
   * Runs a program on the same database, as the same role; there is no shell, and its environment alone tells it the password. An abort of the work
   * interrupts it (SIGINT), and kills it when it does not end; so does the end of the worker. Left out = there are no programs here. Rejects with
   * TargetError `cancelled` when the work was aborted, also where the program ended well, and with `statement_failed` when it cannot be started.
   */
  runProgram?(program: ClientProgram, args: readonly string[]): Promise<ProgramEnd>;
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

/** The target, or the way to it, refused something: an outcome that callers expect, with a message fit for the ledger. */
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

/** What became of the session that an earlier claim was to act in. */
export type Predecessor =
  /** Still there, holding the target's advisory lock. Every figure is null where the role may not see it. */
  | {
      readonly kind: 'running';
      /** The server as it is now. */
      readonly epoch: ServerEpoch;
      /** As pg_stat_activity has it, e.g. `active` or `idle`. */
      readonly state: string | null;
      /** What it waits for, e.g. `Lock: relation`. */
      readonly waitsFor: string | null;
      /** The statement it is at, or was at last. */
      readonly statement: string | null;
      /** How long ago that statement began. */
      readonly statementAgeMs: number | null;
    }
  | { readonly kind: 'gone'; readonly epoch: ServerEpoch };

/** What came of ending it: `ended` by us, `gone` before, `refused` = the server would not, or it is there all the same. */
export type PredecessorEnd = 'ended' | 'gone' | 'refused';

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
  /**
   * Looks for the session of an earlier claim by pid, start, application name and our advisory lock: all four, for a pid alone may have been
   * given to somebody else since. Rejects with TargetError when the target cannot be asked: then nothing is known.
   */
  findPredecessor(address: TargetAddress, intent: Intent): Promise<Predecessor>;
  /**
   * Ends that session: cancels its statement, and after 5 s terminates it. Takes 12 s at most. Only the advisory lock, taken afterwards by
   * `act`, proves that it is over. Rejects with TargetError when the target cannot be asked.
   */
  endPredecessor(address: TargetAddress, intent: Intent): Promise<PredecessorEnd>;
  /**
   * The figures of the target's load that `limits` ask for. What the role may not see, or the server refuses, is a gap with the GRANT that cures it;
   * rejects only when the session is lost or cancelled. `actingPid` is the session that acts, whose waiters count.
   */
  readLoad(reader: TargetReader, limits: ThrottleLimits, actingPid: number): Promise<LoadFigures>;
  /** Locks and snapshots of others than the reader itself, in one look however many tables. Rejects with TargetError. */
  readLocks(reader: TargetReader, tables: readonly WorkedTable[]): Promise<LockLook>;
}
export interface ActOptions {
  /** `slacktide/<task>/<fence>` */
  readonly applicationName: string;
  /** Upper bound of any one statement. */
  readonly statementTimeoutMs: number;
  readonly signal: AbortSignal;
}
