import { setTimeout as sleep } from 'node:timers/promises';
import { TargetError } from '@slacktide/application/ports';
import type { Interrupter, PostgresSession } from './postgres-session.ts';
import type { Timings } from './timings.ts';

/** A pid alone may have been given to somebody else since. */
const signalSql = (signal: 'pg_cancel_backend' | 'pg_terminate_backend'): string =>
  `SELECT ${signal}(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2::timestamptz`;

/** One request over the cancel connection takes milliseconds; without an answer for so long, the connection is remade. */
const requestDeadlineMs = 2_000;
const longestRetryMs = 1_000;

/**
 * The second line to the server, kept apart for cancelling: `pg_cancel_backend`, again and again, then
 * `pg_terminate_backend`, then the socket. Made anew whenever it breaks.
 */
export class CancelConnection implements Interrupter {
  readonly #open: () => Promise<PostgresSession>;
  readonly #timings: Timings;
  #session: Promise<PostgresSession> | undefined;
  #watch: NodeJS.Timeout | undefined;
  #closed = false;

  /** Opens nothing yet: that is done by `prepare`, or by the first interrupt. */
  constructor(open: () => Promise<PostgresSession>, timings: Timings) {
    this.#open = open;
    this.#timings = timings;
  }

  /** Opens the connection in advance, so that a cancel needs one round trip. */
  async prepare(): Promise<void> {
    await this.#connected();
  }

  /**
   * Watches over sessions whose statements run for hours without a word: calls `onSilence` when the server cannot even be
   * asked any more, twice in a row. Without this, a network cut would leave them waiting for ever.
   */
  watch(onSilence: () => void): void {
    let failures = 0;
    let looking = false;
    const look = async (): Promise<void> => {
      looking = true;
      try {
        await this.#connected();
        failures = 0;
      } catch (error) {
        // A server that answers with a refusal is there.
        failures = error instanceof TargetError && error.sqlState !== null ? 0 : failures + 1;
        if (failures >= 2 && !this.#closed) onSilence();
      } finally {
        looking = false;
      }
    };
    this.#watch = setInterval(() => {
      if (!looking) void look();
    }, this.#timings.keepAliveMs);
  }

  async interrupt(session: PostgresSession, settled: Promise<void>): Promise<void> {
    const { cancelRetryMs, terminateAfterMs, destroyAfterMs } = this.#timings;
    const startedAtMs = performance.now();
    let over = false;
    const done = settled.then(() => {
      over = true;
    });
    for (let attempt = 0; !over; attempt += 1) {
      const elapsedMs = performance.now() - startedAtMs;
      if (elapsedMs >= destroyAfterMs) {
        session.lose('its statement could be neither cancelled nor terminated');
        return;
      }
      await this.#request(elapsedMs < terminateAfterMs ? 'pg_cancel_backend' : 'pg_terminate_backend', session);
      await Promise.race([done, sleep(Math.min(cancelRetryMs * 2 ** attempt, longestRetryMs))]);
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch);
    const session = await this.#session?.catch(() => undefined);
    await session?.close();
  }

  async #request(signal: 'pg_cancel_backend' | 'pg_terminate_backend', { facts }: PostgresSession): Promise<void> {
    const { pid, backendStart } = facts.identity;
    try {
      const session = await this.#connected();
      await session.run(signalSql(signal), { parameters: [pid, backendStart], deadlineMs: requestDeadlineMs });
    } catch {
      // Tried again by the caller, over a new connection if this one is lost, until its time is up.
    }
  }

  async #connected(): Promise<PostgresSession> {
    const known = this.#session;
    const current = await known?.catch(() => undefined);
    if (current !== undefined && current.lost === undefined) return current;
    if (this.#closed) throw new Error('the cancel connection is closed');
    // Whoever noticed first is at it already.
    if (this.#session === known || this.#session === undefined) this.#session = this.#open();
    return this.#session;
  }
}
