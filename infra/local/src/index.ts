/**
 * Database servers for the local stack and the tests; `start.ts` is the launcher behind `npm start`.
 *
 * - `startPostgresServer`, `startRedisServer`: real servers on 127.0.0.1, stopped by their handle, or by a guard should
 *   the process that started them die.
 * - `embeddedPostgres`, `reachableInstallation`, `serverAccount`, `reachableTempDir`: which binaries, as which user, where.
 * - `redisBinary`: finds or installs Redis.
 * - `freePort`, `isPortFree`.
 */
export { freePort, isPortFree } from './free-port.ts';
export { embeddedPostgres, type PostgresInstallation, reachableInstallation } from './postgres-binaries.ts';
export { type PostgresServerOptions, startPostgresServer } from './postgres-server.ts';
export { isReachable, reachableTempDir } from './reachable.ts';
export { redisBinary } from './redis-binary.ts';
export { type RedisServerOptions, startRedisServer } from './redis-server.ts';
export { type ServerAccount, serverAccount } from './server-account.ts';
export type { ServerProcess } from './server-process.ts';
