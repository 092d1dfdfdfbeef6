import { DispatchAway } from '@slacktide/application';
import { Redis, type RedisOptions } from 'ioredis';
import { dispatchTimes as times } from './dispatch-times.ts';
import type { OnError } from './error-report.ts';
import { TookTooLong, within } from './within.ts';

/** Redis did not take a command: it is away, or did not answer in time. Nothing is known of what became of the command. */
export class RedisAway extends DispatchAway {
  constructor(what: string, cause: unknown) {
    super(`Redis is away: could not ${what}`, cause);
    this.name = 'RedisAway';
  }
}

const shared = {
  connectTimeout: times.connectTimeoutMs,
  keepAlive: times.keepAliveMs,
  retryStrategy: (attempt: number) =>
    Math.min(times.reconnectFirstMs * 2 ** Math.min(attempt - 1, 10), times.reconnectLongestMs),
} satisfies RedisOptions;

/** A former master that now only reads says so in its errors: look the master up again. */
const isReadOnly = (error: Error): boolean => error.message.startsWith('READONLY');

/** Redis is there but takes nothing now: it is loading, full, cannot write to its disk, or is no master. */
const isUnfit = (error: unknown): boolean => {
  if (!(error instanceof Error)) return false;
  // Of a transaction, the errors of its commands are told beside.
  if ('previousErrors' in error && Array.isArray(error.previousErrors)) return error.previousErrors.some(isUnfit);
  return /\b(?:LOADING|OOM|MISCONF|READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN|BUSY) /.test(error.message);
};

/**
 * A script that Redis refused when it first came by a socket, e.g. for want of memory, counts as loaded there (ioredis), and
 * within a transaction is never sent again.
 */
const lacksScript = (error: unknown): boolean => error instanceof Error && error.message.includes('NOSCRIPT');

const isSilence = (error: unknown): boolean =>
  error instanceof TookTooLong || (error instanceof Error && error.message === 'Command timed out');

/** Rejects rather than queues: for the dispatcher, leases and figures, whose callers have something better to do than wait. */
function openCommands(redisUrl: string): Redis {
  return new Redis(redisUrl, {
    ...shared,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    commandTimeout: times.commandSocketTimeoutMs,
    socketTimeout: times.commandSocketTimeoutMs,
    reconnectOnError: isReadOnly,
  });
}

/** The connection that all workers of a process share. BullMQ duplicates it for each queue's blocking read, which may be silent for long. */
class WorkersRedis extends Redis {
  /** Kept so that closing does not depend on BullMQ, which gives up some of them while Redis is away. */
  readonly copies: Redis[] = [];

  override duplicate(override?: Partial<RedisOptions>): Redis {
    const copy = super.duplicate({ ...override, socketTimeout: times.blockingSocketTimeoutMs });
    this.copies.push(copy);
    return copy;
  }
}

/** Waits for Redis for as long as it takes, as BullMQ asks of a worker's connection: a finished job must still be reported. */
function openWorkers(redisUrl: string): WorkersRedis {
  return new WorkersRedis(redisUrl, {
    ...shared,
    maxRetriesPerRequest: null,
    socketTimeout: times.workerSocketTimeoutMs,
    reconnectOnError: (error) => (isReadOnly(error) ? 2 : false),
  });
}

/**
 * A process's connections to Redis: one for commands, one for all its workers (besides the blocking ones BullMQ makes of
 * it). Opening them never fails; Redis may come later, or go.
 */
export class Connections {
  /** Fails fast. Through `command` it also waits for the first connection, and no longer than a limit. */
  readonly commands: Redis;
  readonly #redisUrl: string;
  readonly #onError: OnError;
  readonly #firstAttempt: Promise<void>;
  #workers: WorkersRedis | undefined;
  #lastError: Error | undefined;

  constructor(redisUrl: string, onError: OnError) {
    this.#redisUrl = redisUrl;
    this.#onError = onError;
    this.commands = openCommands(redisUrl);
    this.commands.on('error', (error: Error) => {
      this.#lastError = error;
      onError(error, 'redis');
    });
    this.#firstAttempt = new Promise((resolve) => {
      this.commands.once('ready', resolve);
      this.commands.once('close', resolve);
    });
  }

  /** The connection of the workers, opened at first use. */
  get workers(): Redis {
    if (this.#workers === undefined) {
      this.#workers = openWorkers(this.#redisUrl);
      this.#workers.on('error', (error: Error) => this.#onError(error, 'redis'));
    }
    return this.#workers;
  }

  /** Runs a command of the dispatcher. @throws RedisAway at once while Redis is away, after 5 s when it does not answer. */
  async command<T>(what: string, run: () => Promise<T>): Promise<T> {
    const attempt = async (): Promise<T> => {
      await this.#firstAttempt;
      if (this.commands.status !== 'ready') throw new RedisAway(what, this.#lastError);
      return await run();
    };
    try {
      return await within(times.commandLimitMs, what, attempt());
    } catch (error) {
      if (error instanceof RedisAway) throw error;
      if (this.commands.status !== 'ready' || isSilence(error) || isUnfit(error)) throw new RedisAway(what, error);
      if (lacksScript(error)) {
        this.commands.disconnect(true); // a new socket gets every script anew
        throw new RedisAway(what, error);
      }
      throw error; // Redis' answer, or BullMQ's
    }
  }

  /** Ends all connections, politely as long as Redis listens. */
  async close(): Promise<void> {
    const quit = async (redis: Redis): Promise<void> => {
      if (redis.status === 'ready') await within(times.closeLimitMs, 'quit', redis.quit()).catch(() => undefined);
      redis.disconnect();
    };
    await Promise.all([quit(this.commands), this.#workers === undefined ? undefined : quit(this.#workers)]);
    for (const copy of this.#workers?.copies ?? []) copy.disconnect();
  }
}
