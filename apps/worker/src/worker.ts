import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import {
  answerQuestion,
  ClockWatch,
  leaseTimes,
  RunningTasks,
  recoverExpired,
  runTask,
  startLoop,
  watchTargets,
} from '@slacktide/application';
import type { Executor, TargetGateway } from '@slacktide/application/ports';
import { connectDispatch, Intake } from '@slacktide/dispatch';
import { connectLedger } from '@slacktide/ledger';
import { createPostgresGateway } from '@slacktide/targets';
import { createLogger, createMetrics, inSpan, startTracing } from '@slacktide/telemetry';
import type { WorkerConfig } from './config.ts';
import { startMetricsServer } from './metrics-server.ts';
import { reportRecoveries } from './report-recoveries.ts';
import { reportTasks } from './report-tasks.ts';
import { stopWorker } from './stop-worker.ts';
import { version } from './version.ts';

const heartbeatEveryMs = 5_000;
const watchTargetsEveryMs = 15_000;
/** Between two looks for tasks whose workers are gone; jittered, so that a fleet does not look all at once. */
const recoverEveryMs = 3_000;
/** sysexits.h, EX_SOFTWARE: whoever started us starts us anew. */
const stuckStatus = 70;

export interface Worker {
  readonly id: string;
  readonly metricsUrl: string;
  /** Takes nothing new, lets running tasks end within the drain time, then cancels them. */
  stop(): Promise<void>;
}

/** Starts a worker: it runs tasks of its types, answers questions about targets, looks after their health, recovers tasks whose workers are gone, and says that it lives. `replaced` stands in for the way to the targets, to measure the rest, and for this process's clock. */
export async function startWorker(
  config: WorkerConfig,
  executors: readonly Executor[],
  replaced: { readonly gateway?: TargetGateway; readonly now?: () => Date } = {},
): Promise<Worker> {
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
  const { actRecords, executions, health, inquiries, ledger, observations, records, recoveries, remnants, upkeep } =
    connection;
  const clock = new ClockWatch(replaced.now ?? (() => new Date()), 'worker');
  const dispatch = connectDispatch({
    redisUrl: config.redisUrl,
    prefix: config.redisPrefix,
    taskTypes: [],
    telemetry: tracing.enabled,
    nowMs: () => clock.ledgerNowMs,
    onError: (err, source) => logger.warn({ err, source }, 'redis'),
  });
  const gateway =
    replaced.gateway ??
    createPostgresGateway({
      env: config.env,
      ...(config.secretRoots === undefined ? {} : { secretRoots: config.secretRoots }),
    });
  const byType = new Map(executors.map((executor) => [executor.taskType.type, executor]));
  const executorOf = (type: string): Executor | undefined => byType.get(type);
  const running = new RunningTasks();
  const exit = (why: string): void => {
    logger.fatal({ why }, 'worker ends itself');
    process.exit(stuckStatus);
  };
  const shared = {
    executions,
    remnants,
    gateway,
    executorOf,
    fileRoots: config.fileRoots,
    customTasks: config.customTasks,
    workerId: id,
    times: leaseTimes(config.leaseLifeMs),
    exit,
  };
  const runDeps = {
    ...shared,
    records,
    actRecords,
    observations,
    upkeep,
    leases: dispatch.targetLeases,
    running,
    random: Math.random,
    ...reportTasks({ logger, metrics }),
  };
  const recoverDeps = { ...shared, recoveries, types: config.taskTypes, ...reportRecoveries({ logger }) };

  let draining = false;
  const startedAt = new Date();
  const beat = (): Promise<void> =>
    clock.measure(() =>
      health.beat({
        id,
        host: hostname(),
        version,
        taskTypes: config.taskTypes,
        concurrency: config.concurrency,
        startedAt,
        draining,
        clockSkewMs: clock.skewMs,
      }),
    );
  await beat();
  const unsubscribeCancels = await executions.subscribeCancels((jobId) => running.abortJob(jobId, 'cancelled'));
  const stopAnswering = await inquiries.serve(id, (question) =>
    answerQuestion({ ...shared, observations, upkeep }, question),
  );
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
  const intake = new Intake(consumers, (why) => {
    if (why === undefined) logger.info('worker takes work again');
    else logger.error({ why }, 'worker takes no work');
  });
  intake.heed(clock.complaint);
  const failed = (loop: string) => (err: unknown) =>
    logger.warn({ err, loop }, 'background work failed; it will be tried again');
  const stopping = new AbortController();
  const loops = [
    startLoop({
      everyMs: heartbeatEveryMs,
      run: async () => {
        await beat();
        intake.heed(clock.complaint);
      },
      onError: failed('heartbeat'),
    }),
    startLoop({
      everyMs: watchTargetsEveryMs,
      run: () => watchTargets({ ledger, health, gateway, now: () => new Date(clock.ledgerNowMs) }),
      onError: failed('targets'),
    }),
    startLoop({
      everyMs: Math.round(recoverEveryMs * (0.75 + Math.random() / 2)),
      run: async () => {
        if (intake.closedBecause === undefined) await recoverExpired(recoverDeps, stopping.signal);
      },
      onError: failed('recovery'),
    }),
  ];
  const server = await startMetricsServer({
    host: config.metricsHost,
    port: config.metricsPort,
    metrics,
    notReady: () => intake.closedBecause,
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
      intake.drain();
      logger.info({ running: running.size }, 'worker draining');
      await stopWorker({
        consumers,
        drainMs: config.drainMs,
        abortTasks: () => running.abortAll('draining'),
        loops,
        stopping,
        tell: beat,
        stopAnswering,
        unsubscribeCancels,
        signOff: () => health.signOff(id),
        close: [dispatch.close, connection.close, server.close, tracing.stop],
        logger,
      });
    },
  };
}
