import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { appReady, startApp } from './app-process.ts';
import { type Home, keptSigningKey } from './home.ts';
import type { LauncherLock } from './launcher-lock.ts';
import { keptPort } from './ports.ts';
import type { Supervisor } from './supervisor.ts';

/** How long the worker lets its tasks run on after Ctrl-C, unless DRAIN_SECONDS says otherwise: shorter than in production. */
const drainSeconds = '8';
/** What the worker takes at most beyond that (20 s to abort what is left, statements on targets included), and a little. */
const workerGraceMs = 22_000;
/** The control plane gives itself 20 s. */
const controlPlaneStopMs = 25_000;
const readyMs = 30_000;
/** Two rounds of the health probes. */
const healthMs = 10_000;

export interface AppsSetting {
  /** The control plane's. */
  port: number;
  environment: NodeJS.ProcessEnv;
  home: Home;
  lock: LauncherLock;
  databaseUrl: string;
  redisUrl: string;
  /** For a look at the health report. */
  apiKey: string;
}

/** Starts the control plane and one worker; returns the control plane's URL once both are ready. */
export async function startApps(
  { port, environment, home, lock, databaseUrl, redisUrl, apiKey }: AppsSetting,
  parts: Supervisor,
  signal: AbortSignal,
): Promise<string> {
  const metricsPort = await keptPort(home.portsFile, 'worker_metrics');
  // The owner's URL is for migrations, which are over.
  const { MIGRATE_DATABASE_URL: _, AUDIT_SIGNING_KEY: signingKey, ...inherited } = environment;
  const env = { ...inherited, DATABASE_URL: databaseUrl, REDIS_URL: redisUrl, HOST: '127.0.0.1' };

  const controlPlane = startApp({
    name: 'the control plane',
    main: 'apps/control-plane/src/main.ts',
    env: { ...env, PORT: String(port), AUDIT_SIGNING_KEY: signingKey || keptSigningKey(home) },
    logFile: join(home.logDir, 'control-plane.log'),
  });
  parts.keep(controlPlane.name, controlPlane, () => controlPlane.stop(controlPlaneStopMs));
  lock.add('control_plane', controlPlane.pid);

  const drain = environment['DRAIN_SECONDS'] || drainSeconds;
  const worker = startApp({
    name: 'the worker',
    main: 'apps/worker/src/main.ts',
    env: { ...env, METRICS_PORT: String(metricsPort), DRAIN_SECONDS: drain },
    logFile: join(home.logDir, 'worker.log'),
  });
  parts.keep(worker.name, worker, () => worker.stop(Number(drain) * 1000 + workerGraceMs));
  lock.add('worker', worker.pid);

  const url = `http://127.0.0.1:${port}`;
  await Promise.all([
    appReady(controlPlane, [`${url}/livez`, `${url}/readyz`], readyMs, signal),
    appReady(worker, [`http://127.0.0.1:${metricsPort}/readyz`], readyMs, signal),
  ]);
  await healthKnown(url, apiKey, signal);
  return url;
}

interface Report {
  readonly modules?: readonly { readonly module: string; readonly status: string }[];
}

/** Waits for a health report that has seen the worker, so that the first look at it does not miss it. How everything else is, is for the user to see. */
async function healthKnown(url: string, apiKey: string, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + healthMs;
  while (performance.now() < deadline) {
    const response = await fetch(`${url}/api/v1/maintenance/health`, {
      headers: { authorization: `Bearer ${apiKey}` },
      signal: AbortSignal.any([signal, AbortSignal.timeout(healthMs)]),
    }).catch(() => undefined);
    const report = (await response?.json().catch(() => undefined)) as Report | undefined;
    if (report?.modules?.some(({ module, status }) => module === 'workers' && status !== 'UNHEALTHY')) return;
    signal.throwIfAborted();
    await sleep(200);
  }
}
