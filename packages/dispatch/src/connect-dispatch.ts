import type { Probe } from '@slacktide/application';
import type { DispatchRepairs, Flows, TargetLeases, TickTimers } from '@slacktide/application/ports';
import { FlowProducer, Queue } from 'bullmq';
import { Connections } from './connection.ts';
import type { Consumers } from './consume-queues.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { dispatchRepairs } from './dispatch-repairs.ts';
import { dispatchTimes } from './dispatch-times.ts';
import { type OnError, withoutRepeats } from './error-report.ts';
import { type FinaliseWorkerOptions, startFinaliseWorker } from './finalise-worker.ts';
import { BullFlows } from './flows.ts';
import { type QueueFigures, queueFigures } from './queue-figures.ts';
import { finaliseQueue, queueOfTaskType, ticksQueue } from './queue-names.ts';
import { queueTelemetry } from './queue-telemetry.ts';
import { redisProbe } from './redis-probe.ts';
import { RedisTargetLeases } from './target-leases.ts';
import { startTaskWorkers, type TaskWorkersOptions } from './task-queue-worker.ts';
import { tickRepeatStrategy } from './tick-repeat-strategy.ts';
import { BullTickTimers } from './tick-timers.ts';
import { startTickWorker, type TickWorkerOptions } from './tick-worker.ts';
import { within } from './within.ts';

export interface DispatchOptions {
  /** `redis://` or `rediss://`. */
  readonly redisUrl: string;
  /** Head of every key in Redis. Default `slacktide`. */
  readonly prefix?: string | undefined;
  /** Task types whose queues are shown and counted; flows and workers may use others. */
  readonly taskTypes: readonly string[];
  /** Spans of the queue, and W3C context across it, by OpenTelemetry's global API. Default off, at no cost. */
  readonly telemetry?: boolean | undefined;
  /** The ledger's time, in milliseconds since 1970, by which deliveries are put off and judged overdue. Default: this process's clock. */
  readonly nowMs?: (() => number) | undefined;
  /** Told of faults in the background, such as a lost connection; each once. */
  readonly onError: OnError;
}

/** Everything of a process that goes by Redis. */
export interface Dispatch {
  readonly flows: Flows;
  readonly tickTimers: TickTimers;
  readonly targetLeases: TargetLeases;
  readonly redisProbe: Probe;
  /** For the reconciler: compares Redis with the ledger and mends it. */
  readonly repairs: DispatchRepairs;
  /** Resolves when Redis takes commands, writing ones included. @throws RedisAway within 5 s. */
  knock(): Promise<void>;
  /** @throws RedisAway within 5 s. */
  readonly queueFigures: () => Promise<readonly QueueFigures[]>;
  /** The queues of all task types, and `finalise` and `ticks`: for Bull Board to show. */
  readonly queues: readonly Queue[];
  startTaskWorkers(options: TaskWorkersOptions): Consumers;
  startFinaliseWorker(options: FinaliseWorkerOptions): Consumers;
  startTickWorker(options: TickWorkerOptions): Consumers;
  /** Ends all connections within some seconds, Redis or no Redis. Stop the workers first: they are not waited for. */
  close(): Promise<void>;
}

/** Opens this process's connections to Redis. Returns at once and never fails: Redis may be away, and come. */
export function connectDispatch(options: DispatchOptions): Dispatch {
  const onError = withoutRepeats(options.onError);
  const connections = new Connections(options.redisUrl, onError);
  const dispatch: DispatchContext = {
    connections,
    prefix: options.prefix ?? 'slacktide',
    telemetry: options.telemetry === true ? queueTelemetry() : undefined,
    nowMs: options.nowMs ?? Date.now,
    onError,
  };
  const { prefix, telemetry } = dispatch;
  const common = {
    connection: connections.commands,
    prefix,
    skipVersionCheck: true, // a check that fails once would fail this object for ever; the probe looks at the version
    ...(telemetry === undefined ? {} : { telemetry }),
  };
  const repeatStrategy = tickRepeatStrategy();
  const openQueue = (name: string): Queue => {
    const queue = new Queue(name, {
      ...common,
      streams: { events: { maxLen: 1_000 } },
      settings: { repeatStrategy },
    });
    queue.on('error', (error) => onError(error, name));
    return queue;
  };
  const [finalise, ticks] = [openQueue(finaliseQueue), openQueue(ticksQueue)];
  const tasks = options.taskTypes.map((type) => openQueue(queueOfTaskType(type)));
  const queues = [...tasks, finalise, ticks];
  const tickTimers = new BullTickTimers(connections, ticks);
  const producer = new FlowProducer(common);
  producer.on('error', (error) => onError(error, 'flows'));

  return {
    flows: new BullFlows(connections, producer, finalise),
    tickTimers,
    targetLeases: new RedisTargetLeases(connections, prefix),
    redisProbe: redisProbe(connections),
    repairs: dispatchRepairs(dispatch, { tasks, finalise, ticks }, tickTimers),
    async knock() {
      // A write: one that is loading, full or no master answers a PING as well.
      await connections.command('knock', () => connections.commands.set(`${prefix}:knock`, '', 'PX', 1_000));
    },
    queueFigures: queueFigures(dispatch, queues),
    queues,
    startTaskWorkers: (workers) => startTaskWorkers(dispatch, workers),
    startFinaliseWorker: (worker) => startFinaliseWorker(dispatch, worker),
    startTickWorker: (worker) => startTickWorker(dispatch, worker),
    async close() {
      const users = Promise.all([producer.close(), ...queues.map((queue) => queue.close())]);
      await within(dispatchTimes.closeLimitMs, 'close', users).catch((error: Error) => onError(error, 'redis'));
      await connections.close();
    },
  };
}
