import type { Delivery } from '@slacktide/application';
import { type ConsumeOptions, type Consumers, consumeQueues } from './consume-queues.ts';
import { readTaskData } from './delivery-data.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { queueOfTaskType } from './queue-names.ts';

/** A task as the queue delivers it. */
export interface TaskDelivery {
  readonly taskId: string;
  readonly generation: number;
  /** How often it was delivered, this time included. */
  readonly deliveries: number;
  /** Task type of the queue it came by. */
  readonly type: string;
  /** Aborted with a TaskAbort (`draining`) when the process has to end. */
  readonly signal: AbortSignal;
}

export interface TaskWorkersOptions extends Pick<ConsumeOptions, 'concurrency' | 'times'> {
  /** Task types to consume; the queues of all others are left alone. */
  readonly types: readonly string[];
  /** Claims, runs and records. Throws for want of infrastructure only: then the task is delivered again, with back-off. */
  readonly process: (delivery: TaskDelivery) => Promise<Delivery>;
}

/** Starts a worker per task type; `concurrency` bounds all of them together. */
export function startTaskWorkers(dispatch: DispatchContext, options: TaskWorkersOptions): Consumers {
  const typeOf = new Map(options.types.map((type) => [queueOfTaskType(type), type]));
  return consumeQueues(dispatch, {
    queues: [...typeOf.keys()],
    concurrency: options.concurrency,
    times: options.times,
    handle: async (job, signal) => {
      const type = typeOf.get(job.queueName);
      if (type === undefined) throw new Error(`no task type has the queue ${job.queueName}`);
      return await options.process({ ...readTaskData(job.data), deliveries: job.attemptsStarted, type, signal });
    },
  });
}
