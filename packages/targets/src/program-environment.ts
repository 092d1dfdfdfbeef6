import type { TargetAddress } from '@slacktide/application/ports';
import type { Endpoint } from './connection-url.ts';
import { type Settings, startupOptions } from './settings.ts';

/** Where a program finds itself, the certificates of servers, and nothing about any other target. */
const passedOn = ['PATH', 'HOME', 'PGSSLROOTCERT'] as const;

/** Ends the sessions of a program that was killed, and of one whose host is lost. No idle limits: pg_repack holds locks while another session of it works. */
const endsWithProgram: Settings = {
  client_connection_check_interval: '1s',
  tcp_keepalives_idle: '3',
  tcp_keepalives_interval: '1',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '6s',
};

export interface ProgramLogin {
  readonly address: Pick<TargetAddress, 'connection'>;
  readonly endpoint: Endpoint;
  /** Undefined = the target has none. */
  readonly password: string | undefined;
  readonly applicationName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * The whole environment of a program built on libpq. The password is here and never among the arguments, which everybody on the host can read; without
 * one, none is taken from anywhere else.
 */
export function programEnvironment(login: ProgramLogin): Readonly<Record<string, string>> {
  const { address, endpoint, password, applicationName, env } = login;
  return {
    ...Object.fromEntries(
      passedOn.flatMap((name) => {
        const value = env[name];
        return value === undefined ? [] : [[name, value] as const];
      }),
    ),
    LC_ALL: 'C',
    PGHOST: endpoint.host,
    PGPORT: String(endpoint.port),
    PGUSER: endpoint.user,
    PGDATABASE: endpoint.database,
    PGSSLMODE: new URL(address.connection).searchParams.get('sslmode') ?? 'disable',
    PGPASSFILE: '/dev/null',
    PGCONNECT_TIMEOUT: '5',
    PGAPPNAME: applicationName,
    PGOPTIONS: startupOptions(endsWithProgram),
    ...(password === undefined ? {} : { PGPASSWORD: password }),
  };
}
