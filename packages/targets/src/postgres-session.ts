import { type Notice, TargetError } from '@slacktide/application/ports';
import pg from 'pg';
import type { Endpoint } from './connection-url.ts';
import type { SessionFacts } from './session-facts.ts';
import { inStatementSpan } from './statement-span.ts';
import { sessionLost, statementError } from './target-errors.ts';
import type { Timings } from './timings.ts';

/** Ends a statement in flight over another connection. */
export interface Interrupter {
  /** Settles once the statement has (`settled` never rejects) and none of its own requests can still reach the session. */
  interrupt(session: PostgresSession, settled: Promise<void>): Promise<void>;
}

export interface SessionOptions {
  readonly endpoint: Endpoint;
  readonly statementTimeoutMs: number;
  readonly timings: Timings;
  readonly interrupter?: Interrupter;
}

export interface RunOptions {
  readonly parameters?: readonly unknown[];
  /** Aborted before the statement is sent: it is not sent. Aborted while it runs: it is interrupted. */
  readonly signal?: AbortSignal | undefined;
  /** No answer for so long loses the session. Default: the statement timeout and the answer deadline together. */
  readonly deadlineMs?: number;
  /** What the server was told for this statement. Default: the session's. */
  readonly statementTimeoutMs?: number;
}

export interface Ran<R> {
  readonly rows: R[];
  readonly notices: readonly Notice[];
  readonly durationMs: number;
  /** By the statement's tag; null for those that count no rows. */
  readonly rowCount: number | null;
}

/** setTimeout takes no more. */
const longestTimerMs = 2_147_483_647;

/**
 * One session with a server, for its whole life: one statement at a time, kept alive while idle, never reconnected. Once
 * lost it stays lost, and every statement rejects with `session_lost`.
 */
export class PostgresSession {
  readonly facts: SessionFacts;
  readonly #client: pg.Client;
  readonly #options: SessionOptions;
  readonly #keepAlive: NodeJS.Timeout;
  #tail: Promise<unknown> = Promise.resolve();
  #pending = 0;
  #inFlight = false;
  #notices: Notice[] = [];
  #lost: TargetError | undefined;

  /** Takes over a connected client. */
  constructor(client: pg.Client, facts: SessionFacts, options: SessionOptions) {
    this.facts = facts;
    this.#client = client;
    this.#options = options;
    client.on('error', (error) => this.#markLost(statementError(error, neverAborted)));
    client.on('end', () => this.#markLost(sessionLost('the connection ended')));
    client.on('notice', ({ code = '', message = '' }) => {
      // Below WARNING only INFO arrives, and only that has the code of success. The server's own word may be in any language.
      this.#notices.push({ severity: code === '00000' ? 'INFO' : 'WARNING', code, message });
    });
    this.#keepAlive = setInterval(() => this.#saySomething(), options.timings.keepAliveMs);
    // It may have ended before we listened.
    if (client.connection.stream.destroyed) this.#markLost(sessionLost('the connection ended'));
  }

  /** Why the session is over; undefined while it lives. */
  get lost(): TargetError | undefined {
    return this.#lost;
  }

  /** Runs one statement, after those before it. A string of several statements is refused by the server. */
  run<R extends object>(sql: string, options: RunOptions = {}): Promise<Ran<R>> {
    return this.#inTurn(() => {
      if (this.#lost !== undefined) throw this.#lost;
      if (options.signal?.aborted === true) {
        throw new TargetError('cancelled', 'The work was cancelled before this statement began.');
      }
      return inStatementSpan(this.#options.endpoint, sql, () => this.#send<R>(sql, options));
    });
  }

  /** Gives the session up: its statement rejects at once, the server notices within a second. */
  lose(why: string): void {
    this.#markLost(sessionLost(why));
    this.#client.connection.stream.destroy();
  }

  /** Ends the session and waits until the server has let go of it, so that its locks are free. Never rejects. */
  async close(): Promise<void> {
    clearInterval(this.#keepAlive);
    if (this.#inFlight) this.lose('it was ended with a statement in flight');
    this.#markLost(sessionLost('it was ended'));
    // A keep-alive may be on its way.
    await this.#tail;
    const late = setTimeout(() => this.#client.connection.stream.destroy(), this.#options.timings.connectTimeoutMs);
    await this.#client.end().catch(() => undefined);
    clearTimeout(late);
  }

  async #send<R extends object>(sql: string, options: RunOptions): Promise<Ran<R>> {
    const { interrupter, timings } = this.#options;
    const { parameters = [], signal, deadlineMs, statementTimeoutMs = this.#options.statementTimeoutMs } = options;
    this.#notices = [];
    this.#inFlight = true;
    const startedAtMs = performance.now();
    const durationMs = (): number => Math.round(performance.now() - startedAtMs);
    let interruption: Promise<void> | undefined;
    const answer = this.#answerWithin(deadlineMs ?? statementTimeoutMs + timings.answerDeadlineMs, () =>
      // The extended protocol takes exactly one statement.
      this.#client.query<R & pg.QueryResultRow>({
        text: sql,
        values: [...parameters],
        queryMode: 'extended',
      } as pg.QueryConfig),
    );
    const settled = answer.then(
      () => undefined,
      () => undefined,
    );
    const interrupt = (): void => {
      interruption = interrupter?.interrupt(this, settled);
    };
    signal?.addEventListener('abort', interrupt, { once: true });
    try {
      const { rows, rowCount } = await answer;
      return { rows, rowCount, notices: this.#notices, durationMs: durationMs() };
    } catch (error) {
      if (this.#lost !== undefined) throw this.#lost;
      // Not from the server, and the session lives: a parameter that has no text form, a mistake of ours.
      if (!(error instanceof pg.DatabaseError)) throw error;
      const aborted = interruption !== undefined;
      const failure = statementError(error, { aborted, durationMs: durationMs(), statementTimeoutMs });
      if (failure.code === 'session_lost') this.#markLost(failure);
      throw failure;
    } finally {
      this.#inFlight = false;
      signal?.removeEventListener('abort', interrupt);
      await interruption;
      // A cancel that came too late for its statement must not meet the next one.
      if (interruption !== undefined) await this.#ping();
    }
  }

  /** Nothing, said to the server: takes no snapshot, so it is never in anybody's way, and restarts its idle clock. */
  async #ping(): Promise<void> {
    const { answerDeadlineMs } = this.#options.timings;
    await this.#answerWithin(answerDeadlineMs, () => this.#client.query('')).catch(() => undefined);
  }

  #saySomething(): void {
    if (this.#pending === 0 && this.#lost === undefined) void this.#inTurn(() => this.#ping());
  }

  /** A network that lost us says nothing at all: an answer that does not come is a lost session, with an unknown outcome. */
  async #answerWithin<T>(deadlineMs: number, send: () => Promise<T>): Promise<T> {
    const late = setTimeout(() => this.lose('it does not answer'), Math.min(deadlineMs, longestTimerMs));
    try {
      return await send();
    } finally {
      clearTimeout(late);
    }
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const before = this.#tail;
    this.#pending += 1;
    const mine = before.then(work).finally(() => {
      this.#pending -= 1;
    });
    this.#tail = mine.catch(() => undefined);
    return mine;
  }

  #markLost(error: TargetError): void {
    this.#lost ??= error.code === 'session_lost' ? error : sessionLost(error.message, error);
    clearInterval(this.#keepAlive);
  }
}

const neverAborted = { aborted: false, durationMs: 0, statementTimeoutMs: Number.POSITIVE_INFINITY };
