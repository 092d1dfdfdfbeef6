import type { TickTimers } from '@slacktide/application/ports';
import type { JobSchedulerTemplateOptions, Queue } from 'bullmq';
import type { Connections } from './connection.ts';
import { smallPayload, type TickData } from './delivery-data.ts';
import { deliveryAttempts } from './dispatch-times.ts';
import { backoffType } from './flow-tree.ts';

const template: JobSchedulerTemplateOptions = {
  attempts: deliveryAttempts,
  backoff: { type: backoffType },
  removeOnComplete: { count: 100 },
  removeOnFail: { count: 100 },
  stackTraceLimit: 0,
  // Each tick begins a trace of its own, instead of hanging on the request that made the schedule.
  telemetry: { omitContext: true },
};

/** States in which a tick is still to come. */
const pending: readonly string[] = ['delayed', 'waiting', 'prioritized', 'active'];

/** One BullMQ job scheduler per enabled schedule, named by its id. */
export class BullTickTimers implements TickTimers {
  readonly #connections: Connections;
  readonly #queue: Queue;

  constructor(connections: Connections, queue: Queue) {
    this.#connections = connections;
    this.#queue = queue;
  }

  /**
   * Sets cron and zone. Does nothing when they agree and the next tick is there: setting replaces the pending tick, and an
   * overdue one would be lost. One that went missing (a scheduler that stopped) is made again.
   *
   * @throws RedisAway within 5 s; RangeError for an id with a colon.
   */
  async set(schedule: { id: string; cronExpression: string; timezone: string }): Promise<void> {
    const { id, cronExpression: pattern, timezone: tz } = schedule;
    if (id.includes(':')) throw new RangeError(`expected a schedule id without colons, got ${id}`);
    await this.#connections.command('set a tick timer', async () => {
      if (!(await this.#agrees(id, pattern, tz))) await this.replace(schedule);
    });
  }

  /** Sets it whatever is there. Not bounded in time: call it within `command`. */
  async replace(schedule: { id: string; cronExpression: string; timezone: string }): Promise<void> {
    const { id, cronExpression: pattern, timezone: tz } = schedule;
    const data = smallPayload<TickData>({ scheduleId: id });
    await this.#queue.upsertJobScheduler(id, { pattern, tz }, { name: 'tick', data, opts: template });
  }

  /** Removes the timer with its pending tick. Gone already = done. @throws RedisAway within 5 s. */
  async remove(scheduleId: string): Promise<void> {
    await this.#connections.command('remove a tick timer', () => this.#queue.removeJobScheduler(scheduleId));
  }

  async #agrees(id: string, pattern: string, tz: string): Promise<boolean> {
    const timer = await this.#queue.getJobScheduler(id);
    if (timer === undefined || timer.pattern !== pattern || timer.tz !== tz) return false;
    return pending.includes(await this.#queue.getJobState(`repeat:${id}:${timer.next}`));
  }
}
