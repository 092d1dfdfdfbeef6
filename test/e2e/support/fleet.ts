import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { inject, onTestFinished } from 'vitest';
import { makeAdminKey } from '../../support/admin-key.ts';
import { freePort } from '../../support/free-port.ts';
import { freshLedger } from '../../support/ledger.ts';
import { createDatabase } from '../../support/postgres.ts';
import { asApps } from '../../support/role.ts';
import { Api } from './api.ts';
import { type App, startApp } from './app.ts';

/** A whole Slacktide of a test's own: ledger, queue prefix, target database, control plane and workers as processes. */
export interface Fleet {
  readonly api: Api;
  readonly url: string;
  readonly controlPlane: App;
  readonly workers: readonly (App & { readonly metricsUrl: string })[];
  /** The target's database, as its owner. */
  readonly target: pg.Pool;
  readonly targetId: string;
  /** The ledger, as a superuser; the fleet itself works as the apps' role. */
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly redisPrefix: string;
  startWorker(options?: WorkerStart): Promise<App & { readonly metricsUrl: string }>;
}

export interface WorkerStart {
  readonly env?: Record<string, string>;
  readonly args?: readonly string[];
}

export interface FleetStart {
  readonly workers?: number;
  /** Command line of those workers. */
  readonly workerArgs?: readonly string[];
  /** Environment of every process, e.g. the OTLP endpoint. */
  readonly env?: Record<string, string>;
  /** SQL that makes the target's content. */
  readonly targetSql?: string;
}

/** Starts a fleet; everything ends with the test. */
export async function startFleet(options: FleetStart = {}): Promise<Fleet> {
  const databaseUrl = await freshLedger();
  const redisUrl = inject('redisUrl');
  const redisPrefix = `e2e-${randomBytes(4).toString('hex')}`;
  const { url: targetUrl, drop } = await createDatabase(inject('postgresUrl'));
  onTestFinished(drop);
  const target = new pg.Pool({ connectionString: targetUrl, max: 4 });
  target.on('error', () => undefined); // sessions end with their database
  onTestFinished(() => target.end());
  await target.query(`CREATE EXTENSION pgstattuple; ${options.targetSql ?? ''}`);

  const adminKey = await makeAdminKey(databaseUrl);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    // As in production: a role that owns nothing.
    DATABASE_URL: await asApps(databaseUrl),
    REDIS_URL: redisUrl,
    REDIS_PREFIX: redisPrefix,
    LOG_LEVEL: 'info',
    ...options.env,
  };
  const controlPlane = await startApp('control-plane', {
    env: { ...env, PORT: String(port) },
    readyUrl: `${url}/readyz`,
  });
  onTestFinished(async () => void (await controlPlane.stop()));
  const startWorker = async (start: WorkerStart = {}): Promise<App & { readonly metricsUrl: string }> => {
    const metricsPort = await freePort();
    const metricsUrl = `http://127.0.0.1:${metricsPort}`;
    const worker = await startApp('worker', {
      env: { ...env, METRICS_PORT: String(metricsPort), ...start.env },
      args: start.args ?? [],
      readyUrl: `${metricsUrl}/readyz`,
    });
    onTestFinished(async () => void (await worker.stop()));
    return { ...worker, metricsUrl };
  };
  const workers = await Promise.all(
    Array.from({ length: options.workers ?? 1 }, () => startWorker({ args: options.workerArgs ?? [] })),
  );
  const api = new Api(url, adminKey);
  const targetId = 'shop';
  if (workers.length > 0) await register(api, targetId, targetUrl);
  return { api, url, controlPlane, workers, target, targetId, databaseUrl, redisUrl, redisPrefix, startWorker };
}

/** Registers the target over REST, with its password in a file, as an operator would. */
async function register(api: Api, id: string, targetUrl: string): Promise<void> {
  const address = new URL(targetUrl);
  const folder = mkdtempSync(join(tmpdir(), 'slacktide-secret-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'password'), decodeURIComponent(address.password), { mode: 0o600 });
  address.password = '';
  await api.post(
    '/targets',
    { id, name: 'Shop', kind: 'postgres', connection: address.href, secret_ref: `file:${join(folder, 'password')}` },
    201,
  );
}
