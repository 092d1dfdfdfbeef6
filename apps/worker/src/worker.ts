import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  answerQuestion,
  defaultLeaseTimes,
  type LeaseTimes,
  RunningTasks,
  runTask,
  startLoop,
  watchTargets,
} from '@slacktide/application';
import type { Executor } from '@slacktide/application/ports';
import { connectDispatch } from '@slacktide/dispatch';
import { connectLedger } from '@slacktide/ledger';
import { createPostgresGateway } from '@slacktide/targets';
import { createLogger, createMetrics, inSpan, startTracing } from '@slacktide/telemetry';
import type { WorkerConfig } from './config.ts';
import { startMetricsServer } from './metrics-server.ts';
import { reportTasks } from './report-tasks.ts';
import { version } from './version.ts';

const heartbeatEveryMs = 5_000;
const watchTargetsEveryMs = 15_000;

export interface Worker {
  readonly id: string;
  readonly metricsUrl: string;
  /** Takes nothing new, lets running tasks end within the drain time, then cancels them. */
  stop(): Promise<void>;
}

/** Starts a worker: it runs tasks of its types, answers questions about targets, looks after their health, and says that it lives. */
export async function startWorker(config: WorkerConfig, executors: readonly Executor[]): Promise<Worker> {
  const tracing = await startTracing({
    serviceName: 'slacktide-worker',
    serviceVersion: version,
    endpoint: config.otlpEndpoint,
    protocol: config.otlpProtocol,
  });
  const logger = createLogger({ service: 'worker', level: config.logLevel });
  const metrics = createMetrics({ service: 'worker', taskTypes: config.taskTypes });
  const id = `${hostname()}-${process.pid}-${randomBytes(3).toString('hex')}`;
  const connection = connectLedger({
    databaseUrl: config.databaseUrl,
    applicationName: 'slacktide/worker',
    // One for each running task's writes and renewals, and some for heartbeats and questions.
    maxConnections: config.concurrency + 4,
    onError: (err) => logger.warn({ err }, 'ledger connection'),
  });
  const { executions, health, inquiries, ledger } = connection;
  const dispatch = connectDispatch({
    redisUrl: config.redisUrl,
    prefix: config.redisPrefix,
    taskTypes: [],
    telemetry: tracing.enabled,
    onError: (err, source) => logger.warn({ err, source }, 'redis'),
  });
  const gateway = createPostgresGateway({
    env: config.env,
    ...(config.secretRoots === undefined ? {} : { secretRoots: config.secretRoots }),
  });
  const byType = new Map(executors.map((executor) => [executor.taskType.type, executor]));
  const executorOf = (type: string): Executor | undefined => byType.get(type);
  const running = new RunningTasks();
  const runDeps = {
    executions,
    leases: dispatch.targetLeases,
    gateway,
    executorOf,
    running,
    workerId: id,
    times: leaseTimes(config),
    random: Math.random,
    ...reportTasks({ logger, metrics }),
  };

  let draining = false;
  const startedAt = new Date();
  const beat = (): Promise<void> =>
    health.beat({
      id,
      host: hostname(),
      version,
      taskTypes: config.taskTypes,
      concurrency: config.concurrency,
      startedAt,
      draining,
    });
  await beat();
  const failed = (loop: string) => (err: unknown) =>
    logger.warn({ err, loop }, 'background work failed; it will be tried again');
  const loops = [
    startLoop({ everyMs: heartbeatEveryMs, run: beat, onError: failed('heartbeat') }),
    startLoop({
      everyMs: watchTargetsEveryMs,
      run: () => watchTargets({ ledger, health, gateway, now: () => new Date() }),
      onError: failed('targets'),
    }),
  ];
  const unsubscribeCancels = await executions.subscribeCancels((jobId) => running.abortJob(jobId, 'cancelled'));
  const stopAnswering = await inquiries.serve(id, (question) => answerQuestion({ gateway, executorOf }, question));
  const consumers = dispatch.startTaskWorkers({
    types: config.taskTypes,
    concurrency: config.concurrency,
    process: async (delivery) =>
      await inSpan(
        `task ${delivery.type}`,
        { attributes: { 'maintenance.task.id': delivery.taskId, 'maintenance.task.type': delivery.type } },
        () => {
          metrics.tasksRunning.inc();
          return runTask(runDeps, delivery).finally(() => metrics.tasksRunning.dec());
        },
      ),
  });
  const server = await startMetricsServer({
    host: config.metricsHost,
    port: config.metricsPort,
    metrics,
    isReady: () => !draining,
  });
  logger.info(
    { worker_id: id, task_types: config.taskTypes, concurrency: config.concurrency, metrics: server.url, version },
    'worker started',
  );

  return {
    id,
    metricsUrl: server.url,
    async stop() {
      draining = true;
      logger.info({ running: running.size }, 'worker draining');
      await beat().catch(failed('heartbeat'));
      await stopAnswering();
      const drained = await consumers.stop({ deadlineMs: config.drainMs });
      await unsubscribeCancels();
      await Promise.all(loops.map((loop) => loop.stop()));
      await health.signOff(id).catch(failed('sign-off'));
      await dispatch.close();
      await connection.close();
      await server.close();
      await tracing.stop();
      logger.info({ drained }, 'worker stopped');
    },
  };
}

/** The default times, scaled to the configured life of a lease. */
function leaseTimes(config: WorkerConfig): LeaseTimes {
  const lifeMs = config.leaseLifeMs;
  return { ...defaultLeaseTimes, lifeMs, renewEveryMs: Math.floor(lifeMs / 3), renewTimeoutMs: Math.floor(lifeMs / 4) };
}
