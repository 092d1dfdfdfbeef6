import { type AbortReason, type Delivery, TaskAbort } from '@slacktide/application';
import { type Job, WaitingError } from 'bullmq';
import { answerDelivery } from './delivery.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { retryDelayMs, dispatchTimes as times } from './dispatch-times.ts';
import { Slots } from './slots.ts';
import { SlottedWorker } from './slotted-worker.ts';
import { within } from './within.ts';

/** Why a delivery in hand was told to stop: another worker was given it, or the process has to end. */
export type StopReason = Extract<AbortReason, 'delivery_lost' | 'draining'>;

export interface ConsumeOptions {
  readonly queues: readonly string[];
  /** Deliveries at once in this process, over all the queues together. */
  readonly concurrency: number;
  readonly handle: (job: Job<unknown, void>, signal: AbortSignal) => Promise<Delivery>;
  /** Makes the `reason` of the signal. Default: a TaskAbort. */
  readonly abortWith?: ((why: StopReason) => Error) | undefined;
  /** How long a delivery stays its worker's without renewal, and how often those that ran out are looked for. Default 30 s each. */
  readonly times?: { readonly lockMs: number; readonly stalledCheckMs: number } | undefined;
}

/** Workers at their queues. */
export interface Consumers {
  /** Resolves when all queues are being listened to. */
  ready(): Promise<void>;
  /** Deliveries in hand. */
  readonly running: number;
  /**
   * Takes nothing new, waits up to `deadlineMs` for what is in hand, then aborts it and waits up to `graceMs` (default 5 s)
   * more, then lets go: what is left is delivered again to others. Never hangs, even without Redis.
   */
  stop(options: { readonly deadlineMs: number; readonly graceMs?: number }): Promise<'drained' | 'aborted'>;
}

/**
 * A delivery is at least once: a job whose worker died (or whose Redis stood still for longer than its lock) is delivered
 * again, as often as it takes, for delivering again is how work recovers. Whether it may run is the ledger's to say, and
 * the ledger counts attempts; with BullMQ's default a second stall would fail the job instead, and with it the delivery.
 */
const maxStalledCount = 1_000_000;

export function consumeQueues(dispatch: DispatchContext, options: ConsumeOptions): Consumers {
  const { connections, prefix, telemetry, onError } = dispatch;
  const { handle, abortWith = (why) => new TaskAbort(why), times: { lockMs, stalledCheckMs } = times } = options;
  const slots = new Slots(options.concurrency);
  const redis = connections.workers;
  let stopping = false;

  const workers = options.queues.map((queue) => {
    const worker: SlottedWorker = new SlottedWorker(
      queue,
      async (job, token = '') => {
        if (stopping) return await handBack(job, token);
        await answerDelivery(job, token, () => handle(job, worker.inHand.signalOf(token)), onError);
      },
      {
        prefix,
        lockDuration: lockMs,
        stalledInterval: stalledCheckMs,
        drainDelay: times.blockForMs / 1_000,
        maxStalledCount,
        runRetryDelay: times.retryFirstMs,
        settings: { backoffStrategy: (attempt) => retryDelayMs(attempt, Math.random()) },
        ...(telemetry === undefined ? {} : { telemetry }),
      },
      { slots, redis },
    );
    worker.on('error', (error) => {
      if (worker.closing === undefined) onError(error, queue);
    });
    worker.on('lockRenewalFailed', (jobIds) => {
      for (const id of jobIds) stopIfLost(worker, id).catch((error: Error) => onError(error, queue));
    });
    worker.run().catch((error: Error) => onError(error, queue));
    return worker;
  });

  // A lock that is merely gone (Redis emptied, or stood still) is no reason to stop: the ledger's lease decides.
  const stopIfLost = async (worker: SlottedWorker, jobId: string): Promise<void> => {
    const lockToken = await redis.get(`${worker.toKey(jobId)}:lock`);
    if (lockToken !== null) worker.inHand.abortJob(jobId, lockToken, abortWith('delivery_lost'));
  };
  const leave = async (worker: SlottedWorker): Promise<void> => {
    if (redis.status === 'ready' && worker.closing === undefined) {
      const silent = within(times.commandLimitMs, 'stop listening', worker.stopListening());
      await silent.catch((error: Error) => onError(error, worker.name));
    }
    await worker.inHand.whenEmpty();
    // Forced: there is nothing to wait for, and BullMQ's polite close waits for Redis without limit.
    await worker.close(true);
  };
  const whenDrained = async (limitMs: number): Promise<boolean> =>
    await within(limitMs, 'drain', Promise.all(workers.map((worker) => worker.inHand.whenEmpty()))).then(
      () => true,
      () => false,
    );

  return {
    async ready() {
      await Promise.all(workers.map((worker) => worker.waitUntilReady()));
    },
    get running() {
      return workers.reduce((sum, worker) => sum + worker.inHand.size, 0);
    },
    async stop({ deadlineMs, graceMs = 5_000 }) {
      stopping = true;
      slots.close();
      for (const worker of workers) worker.pause(true).catch((error: Error) => onError(error, worker.name));
      const left = Promise.all(workers.map(leave));
      left.catch(() => undefined); // heard below, unless the deadline passes
      const drained = await whenDrained(deadlineMs);
      if (!drained) {
        for (const worker of workers) worker.inHand.abortAll(abortWith('draining'));
        await whenDrained(graceMs);
      }
      const gone = drained ? left : Promise.all(workers.map((worker) => worker.close(true)));
      await within(times.closeLimitMs, 'close', gone).catch((error: Error) => onError(error, 'redis'));
      return drained ? 'drained' : 'aborted';
    },
  };
}

/** A job that was fetched in the moment of stopping: back to the head of its queue, for another worker. */
async function handBack(job: Job<unknown, void>, token: string): Promise<never> {
  await job.moveToWait(token);
  throw new WaitingError();
}
