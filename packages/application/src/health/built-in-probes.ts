import { longestClockSkewMs } from '@slacktide/domain';
import type { HealthStore, OutboxQueue, WorkerHeartbeat } from '../ports/index.ts';
import type { Probe } from './health.ts';

/** Heartbeats come every 5 s; three missed ones make a worker silent. */
const silentAfterSeconds = 15;
/** How long a silent worker is told of although living ones serve all its task types: whoever looks after the fleet has seen it by then. */
const toldForSeconds = 600;
/** A tick is fired within seconds; later than this, something holds the timers up. */
const lateAfterSeconds = 60;

/** The ledger answers. */
export function ledgerProbe(store: Pick<HealthStore, 'ping'>): Probe {
  return async () => {
    const started = performance.now();
    await store.ping();
    return { status: 'HEALTHY', message: `answers in ${Math.round(performance.now() - started)} ms` };
  };
}

/** At least one worker lives, by the ledger's clock `now`; one that went silent without signing off is named, and one whose clock is off, which takes no work. */
export function workersProbe(store: Pick<HealthStore, 'listWorkers'>, now: () => Promise<Date>): Probe {
  return async () => {
    const [workers, at] = await Promise.all([store.listWorkers(), now()]);
    const silentSeconds = (worker: WorkerHeartbeat): number => (at.getTime() - worker.lastSeenAt.getTime()) / 1000;
    const living = workers.filter((worker) => silentSeconds(worker) <= silentAfterSeconds);
    const served = new Set(living.flatMap(({ taskTypes }) => taskTypes));
    const isReplaced = (worker: WorkerHeartbeat): boolean =>
      silentSeconds(worker) > toldForSeconds && worker.taskTypes.every((type) => served.has(type));
    const silent = workers.filter((worker) => silentSeconds(worker) > silentAfterSeconds && !isReplaced(worker));
    const alive = living.length;
    const silentNames = silent
      .map((worker) => `${worker.id} on ${worker.host}, last seen ${worker.lastSeenAt.toISOString()}`)
      .join('; ');
    if (alive === 0)
      return {
        status: 'UNHEALTHY',
        message: silent.length === 0 ? 'no worker has signed on' : `no worker is alive: ${silentNames}`,
      };
    const skewed = living.filter(({ clockSkewMs }) => Math.abs(clockSkewMs) > longestClockSkewMs);
    const findings = [
      ...(silent.length === 0 ? [] : [`silent: ${silentNames}`]),
      ...skewed.map(
        ({ id, host, clockSkewMs }) =>
          `${id} on ${host} takes no work: its clock is off by ${Math.round(clockSkewMs)} ms`,
      ),
    ];
    if (findings.length > 0) return { status: 'DEGRADED', message: [`${alive} alive`, ...findings].join('; ') };
    return { status: 'HEALTHY', message: `${alive} alive` };
  };
}

/** Rows are relayed within a second; later than this, Redis is away or nobody relays. */
const staleOutboxSeconds = 30;

/** What was accepted comes to Redis: nothing waits long for its relay. */
export function outboxProbe(outbox: Pick<OutboxQueue, 'backlog'>): Probe {
  return async () => {
    const { waiting, oldestSeconds } = await outbox.backlog();
    if (oldestSeconds <= staleOutboxSeconds) return { status: 'HEALTHY', message: `${waiting} to be relayed` };
    return {
      status: 'UNHEALTHY',
      message: `${waiting} to be relayed, the oldest for ${Math.round(oldestSeconds)} s: accepted work does not reach the workers. Is Redis there, and a control plane with the role dispatcher?`,
    };
  };
}

/** Every enabled schedule fires near its due time. */
export function latenessProbe(store: Pick<HealthStore, 'readLateness'>): Probe {
  return async () => {
    const { count, worst } = await store.readLateness(lateAfterSeconds);
    if (count === 0 || worst === null) return { status: 'HEALTHY', message: 'every schedule is on time' };
    return {
      status: 'UNHEALTHY',
      message: `${count} late; worst: ${worst.name} by ${Math.round(worst.lateSeconds)} s`,
    };
  };
}

/** A queue with work needs a live worker (law 5): without one its tasks wait for ever, those put off until later (a busy target, a tick's time) too. */
export function queueProbe(
  read: () => Promise<{
    readonly waiting: number;
    readonly active: number;
    readonly delayed: number;
    readonly failed: number;
    readonly workers: number;
  }>,
): Probe {
  return async () => {
    const { waiting, active, delayed, failed, workers } = await read();
    const open = waiting + active + delayed;
    if (open > 0 && workers === 0) return { status: 'UNHEALTHY', message: `${open} tasks and no worker` };
    if (failed > 0) return { status: 'DEGRADED', message: `${failed} deliveries failed for want of infrastructure` };
    return {
      status: 'HEALTHY',
      message: `${waiting} waiting, ${active} active, ${delayed} put off, ${workers} workers`,
    };
  };
}
