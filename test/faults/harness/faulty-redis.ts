import { mkdtempSync, rmSync, statSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisBinary, type ServerProcess, startRedisServer } from '@slacktide/local';
import { Redis } from 'ioredis';
import { freePort } from '../../support/free-port.ts';

/** A Redis of a rig's own, to be killed, frozen, emptied and started again on the same port. */
export class FaultyRedis {
  readonly port: number;
  readonly dir: string;
  readonly #directives: readonly string[];
  #server: ServerProcess | undefined;
  #client: Redis | undefined;

  private constructor(port: number, dir: string, directives: readonly string[]) {
    this.port = port;
    this.dir = dir;
    this.#directives = directives;
  }

  /** `directives` are lines of redis.conf, e.g. `['appendonly yes']`; nothing is kept on disk without. */
  static async start(directives: readonly string[] = []): Promise<FaultyRedis> {
    const dir = mkdtempSync(join(tmpdir(), 'slacktide-faulty-redis-'));
    const redis = new FaultyRedis(await freePort(), dir, ['save ""', 'appendonly no', ...directives]);
    await redis.start();
    return redis;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }
  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  /** Starts it (again), with what it kept on disk. */
  async start(): Promise<void> {
    this.#server = await startRedisServer({
      binary: redisBinary(() => undefined),
      dir: this.dir,
      port: this.port,
      logFile: join(this.dir, 'redis.log'),
      directives: [...this.#directives],
    });
  }

  /** kill -9, and waits until it is gone. */
  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    this.#signal(server.pid, 'SIGCONT');
    this.#signal(server.pid, 'SIGKILL');
    await server.exited;
  }

  freeze(): void {
    this.#signal(this.pid, 'SIGSTOP');
  }
  thaw(): void {
    this.#signal(this.pid, 'SIGCONT');
  }

  /** Cuts the append-only file to a share of its size, as a crash of the machine may. Only while it is dead. */
  truncateAof(share: number): void {
    const file = join(this.dir, 'appendonlydir', 'appendonly.aof.1.incr.aof');
    truncateSync(file, Math.floor(statSync(file).size * share));
  }

  /** Removes everything it kept on disk. Only while it is dead. */
  wipe(): void {
    rmSync(join(this.dir, 'appendonlydir'), { recursive: true, force: true });
    rmSync(join(this.dir, 'dump.rdb'), { force: true });
  }

  /** A connection of the test's own. */
  get client(): Redis {
    this.#client ??= new Redis(this.url, { maxRetriesPerRequest: 3, lazyConnect: false }).on('error', () => undefined);
    return this.#client;
  }

  async flushAll(): Promise<void> {
    await this.client.flushall();
  }

  async stop(): Promise<void> {
    this.#client?.disconnect();
    await this.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }

  #signal(pid: number, signal: NodeJS.Signals): void {
    if (pid > 0) process.kill(pid, signal);
  }
}
