import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  embeddedPostgres,
  freePort,
  reachableInstallation,
  serverAccount,
  startPostgresServer,
} from '@slacktide/local';
import { onTestFinished } from 'vitest';
import { makeClusterDir } from './cluster-dir.ts';
import type { PostgresMajor } from './postgres.ts';

/** Starts PostgreSQL as a standby that has no primary: for ever in recovery, readable by its superuser. Gone after the test. */
export async function startStandby(major: PostgresMajor): Promise<{ url: string }> {
  const account = serverAccount();
  const temporaryDir = makeClusterDir(account, `standby-${major}`);
  const dataDir = join(temporaryDir, 'data');
  const port = await freePort();
  const options = {
    installation: reachableInstallation(embeddedPostgres(major, import.meta.url), account, temporaryDir),
    account,
    dataDir,
    port,
    superuserPassword: 'postgres',
    logFile: join(temporaryDir, 'postgres.log'),
    settings: { fsync: 'off', shared_buffers: '32MB' },
  };
  // Makes the cluster; as a primary it stops again at once.
  await (await startPostgresServer(options)).stop();
  writeFileSync(join(dataDir, 'standby.signal'), '');
  const server = await startPostgresServer({ ...options, temporaryDir });
  onTestFinished(() => server.stop());
  return { url: `postgresql://postgres:postgres@127.0.0.1:${port}/postgres` };
}
