import type { Delivery } from '@slacktide/application';
import { type ConsumeOptions, type Consumers, consumeQueues } from './consume-queues.ts';
import { type FinaliseData, readFinaliseData } from './delivery-data.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { finaliseQueue } from './queue-names.ts';

export interface FinaliseWorkerOptions extends Pick<ConsumeOptions, 'times'> {
  /** Ends the job in the ledger; `later` while a task of it is not over. */
  readonly finalise: (flow: FinaliseData) => Promise<Delivery>;
  /** Default 4: each is one short transaction. */
  readonly concurrency?: number;
}

/** Starts the worker of the flows' roots. */
export function startFinaliseWorker(dispatch: DispatchContext, options: FinaliseWorkerOptions): Consumers {
  return consumeQueues(dispatch, {
    queues: [finaliseQueue],
    concurrency: options.concurrency ?? 4,
    times: options.times,
    handle: (job) => options.finalise(readFinaliseData(job.data)),
  });
}
