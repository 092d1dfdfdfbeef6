import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { auditProbe, ClockWatch, HealthRegistry, startLoop, taskTypeCatalog } from '@slacktide/application';
import type { TaskType } from '@slacktide/application/ports';
import { checkTypes } from '@slacktide/checks/schemas';
import { connectDispatch } from '@slacktide/dispatch';
import { taskTypes as builtIn } from '@slacktide/executors/schemas';
import { connectLedger } from '@slacktide/ledger';
import { createLogger, createMetrics, startTracing } from '@slacktide/telemetry';
import { createApp } from './api/app.ts';
import { mountQueueBoard } from './api/queue-board.ts';
import { readCareFile } from './care-file.ts';
import { startCareLoop } from './care-loop.ts';
import { type ControlPlaneConfig, processEnvironment } from './config.ts';
import { startDispatcher } from './dispatcher/dispatcher.ts';
import { registerBuiltInProbes } from './probes.ts';
import { readinessCheck } from './readiness.ts';
import { startFollowUpLoop } from './reconciler/follow-up-loop.ts';
import { startReconciler } from './reconciler/reconciler.ts';
import { startSealLoop } from './reconciler/seal-loop.ts';
import { startWatchLoop } from './reconciler/watch-loop.ts';
import { readSigningKey } from './signing-key.ts';
import { templateRules } from './template-rules.ts';
import { version } from './version.ts';

const healthEveryMs = 5_000;
const clockEveryMs = 5_000;
const probeLimitMs = 4_000;

export interface ControlPlane {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the roles of `config` in this process: `api` serves requests, `dispatcher` moves work between ledger and Redis, `reconciler` puts Redis right.
 * `taskTypes` are those it knows, by default all there are; `now` stands in for this process's clock.
 */
export async function startControlPlane(
  config: ControlPlaneConfig,
  {
    taskTypes = builtIn,
    now = () => new Date(),
  }: { readonly taskTypes?: readonly TaskType[]; readonly now?: () => Date } = {},
): Promise<ControlPlane> {
  const tracing = await startTracing({
    serviceName: 'slacktide-control-plane',
    serviceVersion: version,
    endpoint: config.otlpEndpoint,
    protocol: config.otlpProtocol,
  });
  const logger = createLogger({ service: 'control-plane', level: config.logLevel });
  const metrics = createMetrics({ service: 'control-plane', taskTypes: taskTypes.map(({ type }) => type) });
  const auditSigner = readSigningKey(config.auditSigningKey, processEnvironment());
  const careFile = readCareFile(config.careConfig);
  const connection = connectLedger({
    databaseUrl: config.databaseUrl,
    applicationName: 'slacktide/control-plane',
    maxConnections: 10,
    onError: (err) => logger.warn({ err }, 'ledger connection'),
  });
  const catalog = taskTypeCatalog(taskTypes, { switchedOn: config.customTasks ? ['CUSTOM_TASKS'] : [] });
  const healthStore = connection.health;
  const { ledger, reconciliation } = connection;
  const clock = new ClockWatch(now, 'control plane');
  const readClock = (): Promise<void> => clock.measure(() => ledger.now());
  const dispatch = connectDispatch({
    redisUrl: config.redisUrl,
    prefix: config.redisPrefix,
    taskTypes: taskTypes.map(({ type }) => type),
    telemetry: tracing.enabled,
    nowMs: () => clock.ledgerNowMs,
    onError: (err, source) => logger.warn({ err, source }, 'redis'),
  });
  const health = new HealthRegistry({ store: healthStore, now, ledgerNow: () => ledger.now(), limitMs: probeLimitMs });
  registerBuiltInProbes(health, { healthStore, dispatch, ledger, outbox: connection.outbox, reconciliation });
  health.registerProbe('audit', auditProbe(connection.auditChain, { signed: auditSigner !== undefined }));
  const healthLoop = startLoop({
    everyMs: healthEveryMs,
    run: async () => {
      await health.refresh();
      metrics.healthStatus.set(['HEALTHY', 'DEGRADED', 'UNHEALTHY'].indexOf((await health.report()).status));
    },
    onError: (err) => logger.warn({ err }, 'health could not be read'),
  });
  // Before anything is taken; the other roles do without at first, as they do without the ledger.
  if (config.roles.includes('dispatcher')) await readClock();
  const dispatcher = config.roles.includes('dispatcher')
    ? await startDispatcher({
        ...connection,
        taskTypes: catalog,
        dispatch,
        clock,
        healthStore,
        metrics,
        logger,
        retentionHours: config.retentionHours,
      })
    : undefined;
  const clockLoop = startLoop({
    everyMs: clockEveryMs,
    run: async () => {
      await readClock();
      dispatcher?.heedClock();
    },
    onError: (err) => logger.warn({ err, loop: 'clock' }, 'background work failed; it will be tried again'),
  });
  const reconciler = config.roles.includes('reconciler')
    ? startReconciler({ ...connection, taskTypes: catalog, repairs: dispatch.repairs, metrics, logger })
    : undefined;
  const careLoop = config.roles.includes('api') ? startCareLoop({ ledger, logger, settings: careFile }) : undefined;
  const followUpLoop = config.roles.includes('reconciler')
    ? startFollowUpLoop({ ledger, taskTypes, logger })
    : undefined;
  const watchLoop = config.roles.includes('reconciler') ? startWatchLoop({ ledger, taskTypes, logger }) : undefined;
  const sealLoop = config.roles.includes('reconciler') ? startSealLoop({ ...connection, logger }) : undefined;

  const deps = {
    ...connection,
    taskTypes: catalog,
    templateRules,
    checks: checkTypes,
    randomBytes: (count: number) => randomBytes(count),
    inquiryTimeoutMs: config.inquiryTimeoutMs,
    auditSigner,
    healthStore,
    health,
    now,
    metrics,
    logger,
    readiness: readinessCheck({ healthStore, redis: () => health.latest('redis') }),
  };
  const app = createApp(deps, version, { withApi: config.roles.includes('api') });
  if (config.roles.includes('api')) mountQueueBoard(app, deps, dispatch.queues);
  const server = createServer(getRequestListener(app.fetch));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `http://${config.host}:${port}`;
  logger.info({ url, roles: config.roles, version }, 'control plane started');

  return {
    url,
    async stop() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      server.closeIdleConnections();
      await Promise.all([
        dispatcher?.stop(),
        reconciler?.stop(),
        sealLoop?.stop(),
        followUpLoop?.stop(),
        watchLoop?.stop(),
        careLoop?.stop(),
      ]);
      await Promise.all([healthLoop.stop(), clockLoop.stop()]);
      server.closeAllConnections();
      await closed;
      await dispatch.close();
      await connection.close();
      await tracing.stop();
      logger.info('control plane stopped');
    },
  };
}
