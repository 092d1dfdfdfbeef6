import type { Delivery } from '@slacktide/application';
import { type Consumers, consumeQueues } from './consume-queues.ts';
import { readTickData } from './delivery-data.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { ticksQueue } from './queue-names.ts';

export interface TickWorkerOptions {
  /** Makes the due jobs in the ledger, and nothing else; `later` when by the ledger's clock the tick is not due yet. */
  readonly onTick: (scheduleId: string) => Promise<Delivery>;
  /** Default 4. While all are busy, no job scheduler moves on: a tick must be short. */
  readonly concurrency?: number;
}

/** Starts the worker of the ticks. Without one no schedule advances: BullMQ makes the next tick when a worker takes the present one. */
export function startTickWorker(dispatch: DispatchContext, options: TickWorkerOptions): Consumers {
  return consumeQueues(dispatch, {
    queues: [ticksQueue],
    concurrency: options.concurrency ?? 4,
    handle: (job) => options.onTick(readTickData(job.data).scheduleId),
  });
}
