import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  embeddedPostgres,
  reachableInstallation,
  type ServerProcess,
  serverAccount,
  startPostgresServer,
} from '@slacktide/local';
import { makeClusterDir } from '../../support/cluster-dir.ts';
import { freePort } from '../../support/free-port.ts';
import type { PostgresMajor } from '../../support/postgres.ts';

/** A PostgreSQL of the rig's own, to be crashed, frozen and started again on the same port with the same data. */
export class FaultyPostgres {
  readonly port: number;
  readonly dataDir: string;
  readonly #start: () => Promise<ServerProcess>;
  #server: ServerProcess | undefined;

  private constructor(port: number, dataDir: string, start: () => Promise<ServerProcess>) {
    this.port = port;
    this.dataDir = dataDir;
    this.#start = start;
  }

  /** `settings` win over those of a small server. What was committed survives a crash of the process. */
  static async start(major: PostgresMajor, settings: Record<string, string>): Promise<FaultyPostgres> {
    const account = serverAccount();
    const dir = makeClusterDir(account, `faulty-postgres-${major}`);
    const dataDir = join(dir, 'data');
    const port = await freePort();
    const installation = reachableInstallation(embeddedPostgres(major, import.meta.url), account, dir);
    const server = new FaultyPostgres(port, dataDir, () =>
      startPostgresServer({
        installation,
        account,
        dataDir,
        port,
        superuserPassword: 'postgres',
        logFile: join(dir, 'postgres.log'),
        settings: { fsync: 'off', shared_buffers: '64MB', max_connections: '200', autovacuum: 'off', ...settings },
      }),
    );
    await server.start();
    return server;
  }

  /** As superuser. */
  get url(): string {
    return `postgresql://postgres:postgres@127.0.0.1:${this.port}/postgres`;
  }
  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  async start(): Promise<void> {
    this.#server ??= await this.#start();
  }

  /** An immediate stop: every session ends at once, nothing is tidied up. */
  async crash(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    process.kill(server.pid, 'SIGQUIT');
    await server.exited;
  }

  async stop(): Promise<void> {
    await this.crash();
    rmSync(dirname(this.dataDir), { recursive: true, force: true });
  }
}
