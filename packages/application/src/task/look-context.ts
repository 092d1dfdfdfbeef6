import type {
  LookContext,
  LookedAtTarget,
  Observations,
  Standby,
  TargetGateway,
  TargetReader,
} from '../ports/index.ts';

/** What opens the standbys of a target and remembers what was seen of it. */
export interface LookDeps {
  readonly gateway: Pick<TargetGateway, 'read'>;
  readonly observations: Pick<Observations, 'memoryOf'>;
}

/** What an executor may look at besides the target's own session. `signal` cancels what is in flight on a standby. */
export function lookContext(
  { gateway, observations }: LookDeps,
  target: LookedAtTarget,
  options: { readonly applicationName: string; readonly signal?: AbortSignal },
): LookContext {
  return {
    memory: observations.memoryOf(target.id),
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
