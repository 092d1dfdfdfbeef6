import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { readyServer, type ServerProcess, spawnServer } from './server-process.ts';

export interface RedisServerOptions {
  /** From `redisBinary`. */
  binary: string;
  /** Working directory: data, and the configuration file. Must exist. */
  dir: string;
  port: number;
  /** Required of clients when given. Reaches the server by a file that only its owner reads, never by its arguments. */
  password?: string;
  logFile: string;
  /** Directives on top of the fixed ones, e.g. `['appendonly yes']`. */
  directives: string[];
  temporaryDir?: string;
}

/** Saves, then ends. */
export const redisStopSignals = ['SIGTERM'] as const;

/** Where a server that works in `dir` has its configuration and its pid. */
export function redisFiles(dir: string): { configFile: string; pidFile: string } {
  return { configFile: join(dir, 'redis.conf'), pidFile: join(dir, 'redis.pid') };
}

/** Starts Redis on 127.0.0.1 with `noeviction`, which BullMQ needs; returns once it answers. */
export async function startRedisServer(options: RedisServerOptions): Promise<ServerProcess> {
  const { dir, port, password } = options;
  const { configFile, pidFile } = redisFiles(dir);
  const directives = [
    'bind 127.0.0.1',
    `port ${port}`,
    'maxmemory-policy noeviction',
    // Its command line stays as we gave it, so that the next launcher knows the server for ours.
    'set-proc-title no',
    `pidfile ${JSON.stringify(pidFile)}`,
    `dir ${JSON.stringify(dir)}`,
    ...(password === undefined ? [] : [`requirepass ${password}`]),
    ...options.directives,
  ];
  writeFileSync(configFile, `${directives.join('\n')}\n`, { mode: 0o600 });
  const server = await spawnServer({
    command: options.binary,
    args: [configFile],
    account: undefined,
    logFile: options.logFile,
    stopSignals: redisStopSignals,
    ...(options.temporaryDir === undefined ? {} : { temporaryDir: options.temporaryDir }),
  });
  return readyServer('Redis', server, () => answersAs(server.pid, port, password));
}

/** Asks for the process id, so that another Redis which has taken the port in between does not answer for ours. */
function answersAs(pid: number, port: number, password: string | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 });
    let answer = '';
    const finish = (): void => {
      socket.destroy();
      resolve(new RegExp(`^process_id:${pid}\r$`, 'm').test(answer));
    };
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      answer += chunk;
      // The section ends with an empty line; "-LOADING", "-NOAUTH" and the like are one line.
      if (/\r\n\r\n$|^-.*\r\n$/m.test(answer)) finish();
    });
    socket.once('timeout', finish).once('close', finish).once('error', finish);
    socket.write(`${password === undefined ? '' : `AUTH ${password}\r\n`}INFO server\r\n`);
  });
}
