import type { ConnectionOptions } from 'node:tls';
import { TargetError } from '@slacktide/application/ports';

/** Where a target is, without any secret. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly tls: false | ConnectionOptions;
}

/** libpq's words. `prefer` and `allow` are left out: they fall back to plain text without a word. */
const tlsByMode: Readonly<Record<string, false | ConnectionOptions>> = {
  disable: false,
  require: { rejectUnauthorized: false },
  'verify-ca': { rejectUnauthorized: true, checkServerIdentity: () => undefined },
  'verify-full': { rejectUnauthorized: true },
};

/**
 * Takes `postgresql://user@host:5432/db?sslmode=verify-full` apart. Nothing is taken from PG* variables, and the only
 * parameter is `sslmode` (default `disable`): others, such as `options` or `host`, would undo the session's settings.
 * @throws TargetError `unreachable`, never quoting the string, which may hold what it should not.
 */
export function parseConnection(connection: string): Endpoint {
  const url = URL.canParse(connection) ? new URL(connection) : undefined;
  if (url === undefined || !['postgresql:', 'postgres:'].includes(url.protocol)) {
    throw unusable('it is not of the form postgresql://user@host:5432/db');
  }
  if (url.password !== '') throw unusable('it holds a password; put that where secret_ref points');
  const user = decode(url.username);
  const database = decode(url.pathname.slice(1));
  if (user === '' || database === '' || url.hostname === '') throw unusable('it must name user, host and database');
  const { sslmode = 'disable', ...others } = Object.fromEntries(url.searchParams);
  const [other] = Object.keys(others);
  if (other !== undefined) throw unusable(`it has the parameter ${JSON.stringify(other)}; only sslmode is known`);
  const tls = Object.hasOwn(tlsByMode, sslmode) ? tlsByMode[sslmode] : undefined;
  if (tls === undefined) throw unusable(`its sslmode must be one of ${Object.keys(tlsByMode).join(', ')}`);
  return {
    host: decode(url.hostname).replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? 5432 : Number(url.port),
    user,
    database,
    tls,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw unusable('it holds a broken percent-encoding');
  }
}

function unusable(why: string): TargetError {
  return new TargetError('unreachable', `The target's connection cannot be used: ${why}.`);
}
