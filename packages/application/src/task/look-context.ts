import type {
  LookContext,
  LookedAtTarget,
  Observations,
  Standby,
  TargetGateway,
  TargetReader,
  UpkeepReader,
} from '../ports/index.ts';

/** What opens the standbys of a target and remembers what was seen of it. */
export interface LookDeps {
  readonly gateway: Pick<TargetGateway, 'read'>;
  readonly observations: Pick<Observations, 'memoryOf'>;
  readonly upkeep: UpkeepReader;
  /** Folders whose files executors may touch. Default: none. */
  readonly fileRoots?: readonly string[] | undefined;
  /** Whether what an admin registered may be run. Default: no. */
  readonly customTasks?: boolean | undefined;
}

/** What an executor may look at besides the target's own session. `signal` cancels what is in flight on a standby. */
export function lookContext(
  { gateway, observations, upkeep, fileRoots = [], customTasks = false }: LookDeps,
  target: LookedAtTarget,
  options: { readonly applicationName: string; readonly signal?: AbortSignal },
): LookContext {
  return {
    memory: observations.memoryOf(target.id),
    fileRoots,
    customTasks,
    upkeep,
    standbys: target.standbys.map(
      (connection): Standby => ({
        name: standbyName(connection),
        read: <T>(use: (reader: TargetReader) => Promise<T>) =>
          gateway.read({ kind: target.kind, connection, secretRef: target.secretRef }, options, use),
      }),
    ),
  };
}

/** `host:port/database` of a connection, by which a standby is known. */
export function standbyName(connection: string): string {
  const { hostname, port, pathname } = new URL(connection);
  return `${hostname}:${port === '' ? '5432' : port}${decodeURIComponent(pathname)}`;
}
