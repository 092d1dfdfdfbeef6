import { terminalStates } from '@slacktide/domain';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Seconds, from a trivial ANALYZE to the rebuild of a very large index. */
const taskBuckets = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 21_600];

/**
 * Every metric of Slacktide, by name. Base units, no ids as labels. A task's end is counted once, by the process that wrote it:
 * the worker that ran or skipped it, or the control plane for tasks that ended before any worker saw them.
 */
export function createMetrics(options: { service: string; taskTypes: readonly string[] }) {
  const registry = new Registry();
  registry.setDefaultLabels({ service: options.service });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];

  const taskTotal = new Counter({
    name: 'maintenance_task_total',
    help: 'Tasks that ended, by task type and final state',
    labelNames: ['task_type', 'status'] as const,
    registers,
  });
  for (const task_type of options.taskTypes)
    for (const state of terminalStates) taskTotal.inc({ task_type, status: state.toLowerCase() }, 0);

  return {
    registry,
    taskTotal,
    taskDurationSeconds: new Histogram({
      name: 'maintenance_task_duration_seconds',
      help: 'Time a task ran on its target',
      labelNames: ['task_type', 'status'] as const,
      buckets: taskBuckets,
      registers,
    }),
    tasksRunning: new Gauge({ name: 'maintenance_tasks_running', help: 'Tasks in hand of this worker', registers }),
    jobTotal: new Counter({
      name: 'maintenance_job_total',
      help: 'Jobs that ended, by final state',
      labelNames: ['status'] as const,
      registers,
    }),
    queueDepth: new Gauge({
      name: 'maintenance_queue_depth',
      help: 'Deliveries in a queue, by state',
      labelNames: ['queue', 'state'] as const,
      registers,
    }),
    queueWorkers: new Gauge({
      name: 'maintenance_queue_workers',
      help: 'Live workers of a queue',
      labelNames: ['queue'] as const,
      registers,
    }),
    scheduleLatenessSeconds: new Gauge({
      name: 'maintenance_schedule_lateness_seconds',
      help: 'Age of the oldest due time without its job, over all enabled schedules',
      registers,
    }),
    tickLatenessSeconds: new Histogram({
      name: 'maintenance_tick_lateness_seconds',
      help: 'Due time of a tick to its job in the ledger',
      buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300],
      registers,
    }),
    reconcilerRepairs: new Counter({
      name: 'maintenance_reconciler_repairs_total',
      help: 'What the reconciler put right, by kind',
      labelNames: ['kind'] as const,
      registers,
    }),
    reconcilerPassSeconds: new Histogram({
      name: 'maintenance_reconciler_pass_seconds',
      help: 'Passes of the reconciler that this process led',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60],
      registers,
    }),
    outboxWaiting: new Gauge({
      name: 'maintenance_outbox_waiting',
      help: 'Messages the relay has still to bring to Redis',
      registers,
    }),
    outboxOldestSeconds: new Gauge({
      name: 'maintenance_outbox_oldest_seconds',
      help: 'Age of the oldest of them',
      registers,
    }),
    healthStatus: new Gauge({
      name: 'maintenance_health_status',
      help: 'Overall health: 0 healthy, 1 degraded, 2 unhealthy',
      registers,
    }),
    httpDurationSeconds: new Histogram({
      name: 'maintenance_http_request_duration_seconds',
      help: 'API requests',
      labelNames: ['method', 'route', 'status'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
      registers,
    }),
  };
}
export type Metrics = ReturnType<typeof createMetrics>;
