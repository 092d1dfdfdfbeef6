import type { TargetAddress, TargetFacts, TargetGateway, TargetReader } from '@slacktide/application/ports';
import { TargetError } from '@slacktide/application/ports';
import { act, type Open } from './act.ts';
import { CancelConnection } from './cancel-connection.ts';
import { readLoad } from './catalogue/load/read-load.ts';
import { readLocks } from './catalogue/locks.ts';
import { type ClientPrograms, clientPrograms } from './client-programs.ts';
import { parseConnection } from './connection-url.ts';
import { openSession } from './open-session.ts';
import type { PostgresSession } from './postgres-session.ts';
import { endPredecessor, findPredecessor } from './predecessor.ts';
import { resolveSecret, type SecretSources } from './secrets.ts';
import { asReader } from './session-faces.ts';
import { readSettings, readStatementTimeoutMs } from './settings.ts';
import { defaultTimings, type Timings } from './timings.ts';

export interface PostgresGatewayOptions {
  /** Where `env:NAME` references look, and programs are looked for: PATH, or a variable such as PG_REPACK. */
  readonly env: SecretSources['env'];
  /** Directories `file:/path` references may lead into. Default: anywhere. */
  readonly secretRoots?: readonly string[];
  /** Patience for connecting. Default 5 000. */
  readonly connectTimeoutMs?: number;
  /** The other bounds, which tests shorten. */
  readonly timings?: Partial<Timings>;
}

/** The gateway to PostgreSQL 14 and later: one `pg.Client` per session, never a pool, never a reconnect. */
export function createPostgresGateway(options: PostgresGatewayOptions): TargetGateway {
  const { env, secretRoots, connectTimeoutMs } = options;
  const timings = {
    ...defaultTimings,
    ...options.timings,
    ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }),
  };
  const sources = secretRoots === undefined ? { env } : { env, roots: secretRoots };
  const waysTo = (address: TargetAddress): Promise<WaysTo> => prepareToOpen(address, sources, timings);

  const read: TargetGateway['read'] = async (address, { applicationName, signal }, use) => {
    const { open, programs } = await waysTo(address);
    const looking = { settings: readSettings(timings), statementTimeoutMs: readStatementTimeoutMs };
    const interrupter = new CancelConnection(
      () => open({ ...looking, applicationName: `${applicationName}/cancel` }),
      timings,
    );
    const session = await open({ ...looking, applicationName, interrupter });
    try {
      return await use(asReader(session, signal, programs));
    } finally {
      await session.close();
      await interrupter.close();
    }
  };

  /** A session of recovery, which looks and signals; it reads nothing of the tables. */
  const recovering = async <T>(address: TargetAddress, use: (session: PostgresSession) => Promise<T>): Promise<T> => {
    const { open } = await waysTo(address);
    const session = await open({
      settings: readSettings(timings),
      statementTimeoutMs: readStatementTimeoutMs,
      applicationName: 'slacktide/recovery',
    });
    try {
      return await use(session);
    } finally {
      await session.close();
    }
  };

  return {
    read,
    inspect: (address) => read(address, { applicationName: 'slacktide/inspect' }, inspect),
    act: async (address, actOptions, use) => act(await waysTo(address), actOptions, timings, use),
    findPredecessor: (address, intent) => recovering(address, (session) => findPredecessor(session, intent)),
    endPredecessor: (address, intent) => recovering(address, (session) => endPredecessor(session, intent, timings)),
    readLoad,
    readLocks,
  };
}

interface WaysTo {
  readonly open: Open;
  readonly programs: ClientPrograms;
}

/** Reads the secret once; it lives as long as the sessions that are opened with it. */
async function prepareToOpen(address: TargetAddress, sources: SecretSources, timings: Timings): Promise<WaysTo> {
  const endpoint = parseConnection(address.connection);
  const { secretRef } = address;
  const secret = secretRef === null ? undefined : await resolveSecret(secretRef, sources);
  const password = (): string => {
    if (secret !== undefined) return secret;
    throw new TargetError('authentication_failed', 'The server asks for a password, and the target has no secret_ref.');
  };
  return {
    open: (opening) => openSession({ ...opening, endpoint, password, timings }),
    programs: clientPrograms({ address, endpoint, password: secret, env: sources.env }, timings.programKillAfterMs),
  };
}

const inspectSql = `
SELECT current_setting('server_version') AS "serverVersion", current_database()::text AS database, current_user::text AS role,
  pg_is_in_recovery() AS "inRecovery", pg_database_size(current_database())::float8 AS "sizeBytes"`;

async function inspect(reader: TargetReader): Promise<TargetFacts> {
  const askedAtMs = performance.now();
  await reader.query('SELECT 1');
  const latencyMs = Math.round(100 * (performance.now() - askedAtMs)) / 100;
  const [facts] = await reader.query<Omit<TargetFacts, 'systemIdentifier' | 'latencyMs'>>(inspectSql);
  if (facts === undefined) throw new Error('expected one row of facts');
  return { ...facts, systemIdentifier: reader.identity.epoch.systemIdentifier, latencyMs };
}
