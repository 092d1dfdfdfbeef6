import { join } from 'node:path';
import { endLeftover, endLeftoverOf } from './leftover.ts';
import { postgresStopSignals } from './postgres-server.ts';
import { redisFiles, redisStopSignals } from './redis-server.ts';

/** What a launcher that was killed may have left running. */
export interface LeftBehind {
  /** Pids of control plane and worker. */
  apps: Record<string, number>;
  postgresDataDir: string;
  redisDir: string;
}

/** Ends it all, apps first, before their ports are looked at: the next launcher then gets the same ones. */
export async function endPredecessor({ apps, postgresDataDir, redisDir }: LeftBehind): Promise<void> {
  await Promise.all(Object.values(apps).map((pid) => endLeftover(pid, 'src/main.ts', ['SIGTERM'])));
  const { configFile, pidFile } = redisFiles(redisDir);
  await Promise.all([
    endLeftoverOf(join(postgresDataDir, 'postmaster.pid'), postgresDataDir, postgresStopSignals),
    endLeftoverOf(pidFile, configFile, redisStopSignals),
  ]);
}
