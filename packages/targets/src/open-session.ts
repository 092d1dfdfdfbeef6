import pg from 'pg';
import type { Endpoint } from './connection-url.ts';
import { type Interrupter, PostgresSession } from './postgres-session.ts';
import { readSessionFacts } from './session-facts.ts';
import { type Settings, startupOptions } from './settings.ts';
import { connectError } from './target-errors.ts';
import type { Timings } from './timings.ts';

export interface Opening {
  readonly endpoint: Endpoint;
  readonly password: () => string;
  readonly applicationName: string;
  readonly settings: Settings;
  readonly statementTimeoutMs: number;
  readonly timings: Timings;
  readonly interrupter?: Interrupter;
}

/** Opens one direct session with its settings in force from the first moment. @throws TargetError */
export async function openSession(opening: Opening): Promise<PostgresSession> {
  const { endpoint, timings } = opening;
  // Every parameter is given: pg fills what is missing from PG* variables, which belong to the worker, not to the target.
  const client = new pg.Client({
    host: endpoint.host,
    port: endpoint.port,
    user: endpoint.user,
    database: endpoint.database,
    password: opening.password,
    ssl: endpoint.tls,
    sslnegotiation: 'postgres',
    client_encoding: 'utf8',
    application_name: opening.applicationName,
    options: startupOptions(opening.settings),
    connectionTimeoutMillis: timings.connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: timings.connectTimeoutMs,
  });
  // Before the session takes over, errors reach us by the promises below.
  const ignore = (): void => undefined;
  client.on('error', ignore);
  const late = setTimeout(
    () => client.connection.stream.destroy(new Error('timeout expired')),
    timings.connectTimeoutMs,
  );
  try {
    await client.connect();
    const { processID } = client as unknown as { processID: number | null };
    const session = new PostgresSession(client, await readSessionFacts(client, processID), opening);
    client.off('error', ignore);
    return session;
  } catch (error) {
    client.connection.stream.destroy();
    throw connectError(error, endpoint);
  } finally {
    clearTimeout(late);
  }
}
