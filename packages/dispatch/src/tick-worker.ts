import type { Delivery } from '@slacktide/application';
import type { Job } from 'bullmq';
import { type Consumers, consumeQueues } from './consume-queues.ts';
import { readTickData } from './delivery-data.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { ticksQueue } from './queue-names.ts';

/** A timer that went off. */
export interface TickDelivery {
  readonly scheduleId: string;
  /** The due time it stands for; null when it does not say. */
  readonly dueAt: Date | null;
}

export interface TickWorkerOptions {
  /** Sees to it that the due jobs are in the ledger, and nothing else; `later` when by the ledger's clock the tick is not due yet. */
  readonly onTick: (tick: TickDelivery) => Promise<Delivery>;
  /**
   * Default 50: those that went off together are written together, and so wait together. While all are busy, no job scheduler moves on: a
   * tick must be short.
   */
  readonly concurrency?: number;
}

/** Starts the worker of the ticks. Without one no schedule advances: BullMQ makes the next tick when a worker takes the present one. */
export function startTickWorker(dispatch: DispatchContext, options: TickWorkerOptions): Consumers {
  return consumeQueues(dispatch, {
    queues: [ticksQueue],
    concurrency: options.concurrency ?? 50,
    handle: (job) => options.onTick({ scheduleId: readTickData(job.data).scheduleId, dueAt: dueAtOf(job) }),
  });
}

function dueAtOf({ opts: { prevMillis } }: Job<unknown, void>): Date | null {
  return typeof prevMillis === 'number' && Number.isSafeInteger(prevMillis) ? new Date(prevMillis) : null;
}
