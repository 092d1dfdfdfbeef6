import type { TestProject } from 'vitest/node';
import { startPostgres } from './postgres.ts';
import { startRedis } from './redis.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** PostgreSQL 18 for ledgers, as superuser: give it to `createDatabase`. */
    postgresUrl: string;
    /** One Redis for all files of the run. Use a queue prefix of your own; whoever empties or stops it starts his own. */
    redisUrl: string;
  }
}

/** Vitest's global setup of the projects `integration` and `e2e`: the servers all their files share. */
export default async function startServices(project: TestProject): Promise<() => Promise<void>> {
  const [postgres, redis] = await Promise.all([startPostgres(18), startRedis()]);
  project.provide('postgresUrl', postgres.url);
  project.provide('redisUrl', redis.url);
  return async () => {
    await Promise.all([postgres.stop(), redis.stop()]);
  };
}
