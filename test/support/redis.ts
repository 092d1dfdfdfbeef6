import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisBinary, startRedisServer } from '@slacktide/local';
import { onFreePort } from './free-port.ts';

/** A running Redis of a test's own. */
export interface TestRedis {
  url: string;
  port: number;
  pid: number;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts a real redis-server on a free port (about 50 ms): `noeviction`, nothing kept on disk. `flags` are directives of
 * redis.conf, e.g. `['maxmemory-policy allkeys-lru']`, and win over the defaults.
 * Tests that need no server of their own use `inject('redisUrl')`, with names that are theirs alone.
 */
export function startRedis({ flags = [] }: { flags?: string[] } = {}): Promise<TestRedis> {
  return onFreePort(async (port) => {
    const dir = mkdtempSync(join(tmpdir(), 'slacktide-redis-'));
    const server = await startRedisServer({
      binary: redisBinary((line) => process.stderr.write(`${line}\n`)),
      dir,
      port,
      logFile: join(dir, 'redis.log'),
      directives: ['save ""', 'appendonly no', ...flags],
      temporaryDir: dir,
    });
    return { url: `redis://127.0.0.1:${port}`, port, pid: server.pid, stop: server.stop };
  });
}
