import { type Delivery, TaskAbort } from '@slacktide/application';
import { type Job, WaitingError } from 'bullmq';
import { answerDelivery } from './delivery.ts';
import type { DispatchContext } from './dispatch-context.ts';
import { retryDelayMs, dispatchTimes as times } from './dispatch-times.ts';
import { putOffFromMs } from './put-off-from.ts';
import { Slots } from './slots.ts';
import { SlottedWorker } from './slotted-worker.ts';
import { tickRepeatStrategy } from './tick-repeat-strategy.ts';
import { within } from './within.ts';
import { WorkAtHand } from './work-at-hand.ts';

export interface ConsumeOptions {
  readonly queues: readonly string[];
  /** Deliveries at once in this process, over all the queues together. */
  readonly concurrency: number;
  /**
   * The signal is aborted with a TaskAbort (`draining`) when the process has to end, and for nothing else: a lock that is gone, or another's, since Redis
   * was emptied or stood still, is no reason to stop. Whether work may go on is for the ledger's lease to say.
   */
  readonly handle: (job: Job<unknown, void>, signal: AbortSignal) => Promise<Delivery>;
  /** How long a delivery stays its worker's without renewal, and how often those that ran out are looked for. Default 15 s and 5 s. */
  readonly times?: { readonly lockMs: number; readonly stalledCheckMs: number } | undefined;
}

/** Workers at their queues. */
export interface Consumers {
  /** Resolves when all queues are being listened to. */
  ready(): Promise<void>;
  /** Deliveries in hand. */
  readonly running: number;
  /** Takes nothing new until `resume`; what is in hand goes on, and what waits is left to other processes. */
  pause(): void;
  /** Takes work again. Both are harmless when it is so already, and without Redis. */
  resume(): void;
  /**
   * Takes nothing new, waits up to `deadlineMs` for what is in hand, then aborts it and waits up to `graceMs` (default 5 s)
   * more, then lets go: what is left is delivered again to others. Never hangs, even without Redis, which gets 10 s at most to be told.
   */
  stop(options: { readonly deadlineMs: number; readonly graceMs?: number }): Promise<'drained' | 'aborted'>;
}

/**
 * A delivery is at least once: a job whose worker died (or whose Redis stood still for longer than its lock) is delivered
 * again, as often as it takes, for delivering again is how work recovers. Whether it may run is the ledger's to say, and
 * the ledger counts attempts; with BullMQ's default a second stall would fail the job instead, and with it the delivery.
 */
const maxStalledCount = 1_000_000;

/** Starts a worker at each queue, all of them within one bound of deliveries at once. */
export function consumeQueues(dispatch: DispatchContext, options: ConsumeOptions): Consumers {
  const { connections, prefix, telemetry, nowMs, onError } = dispatch;
  const { handle } = options;
  const { lockMs, stalledCheckMs } = options.times ?? times;
  const slots = new Slots(options.concurrency);
  const redis = connections.workers;
  const repeatStrategy = tickRepeatStrategy();
  const atHand = new WorkAtHand();
  let stopping = false;
  let paused = false;

  const workers = options.queues.map((queue) => {
    const worker: SlottedWorker = new SlottedWorker(
      queue,
      async (job, token = '') => {
        if (stopping || paused) return await handBack(job, token);
        await answerDelivery(job, {
          handle: () => atHand.during(() => handle(job, worker.inHand.signalOf(token))),
          putOff: (delayMs) => worker.putOff(job, token, putOffFromMs(nowMs(), Date.now()), delayMs),
          onError,
        });
      },
      {
        prefix,
        lockDuration: lockMs,
        stalledInterval: stalledCheckMs,
        drainDelay: times.blockForMs / 1_000,
        maxStalledCount,
        runRetryDelay: times.retryFirstMs,
        settings: { backoffStrategy: (attempt) => retryDelayMs(attempt, Math.random()), repeatStrategy },
        ...(telemetry === undefined ? {} : { telemetry }),
      },
      { slots, redis },
    );
    worker.on('error', (error) => {
      if (worker.closing === undefined) onError(error, queue);
    });
    worker.run().catch((error: Error) => onError(error, queue));
    return worker;
  });

  const fallSilent = async (worker: SlottedWorker): Promise<void> => {
    if (redis.status !== 'ready' || worker.closing !== undefined) return;
    const silent = within(times.commandLimitMs, 'stop listening', worker.stopListening());
    await silent.catch((error: Error) => onError(error, worker.name));
  };
  const leave = async (worker: SlottedWorker): Promise<void> => {
    await fallSilent(worker);
    await worker.inHand.whenEmpty();
    // Forced: there is nothing to wait for, and BullMQ's polite close waits for Redis without limit.
    await worker.close(true);
  };
  const isSoon = (limitMs: number, what: string, work: Promise<unknown>): Promise<boolean> =>
    within(limitMs, what, work).then(
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
    pause() {
      if (paused || stopping) return;
      paused = true;
      for (const worker of workers) {
        worker.pause(true).catch((error: Error) => onError(error, worker.name));
        void fallSilent(worker);
      }
    },
    resume() {
      if (!paused || stopping) return;
      paused = false;
      for (const worker of workers) worker.resume().catch((error: Error) => onError(error, worker.name));
    },
    async stop({ deadlineMs, graceMs = 5_000 }) {
      stopping = true;
      slots.close();
      for (const worker of workers) worker.pause(true).catch((error: Error) => onError(error, worker.name));
      const left = Promise.all(workers.map(leave));
      left.catch(() => undefined); // heard below, unless the deadline passes
      const drained = await isSoon(deadlineMs, 'drain', atHand.whenOver());
      if (!drained) {
        for (const worker of workers) worker.inHand.abortAll(new TaskAbort('draining'));
      }
      const over = drained || (await isSoon(graceMs, 'abort', atHand.whenOver()));
      // The work is over and the ledger knows: Redis is told if it listens. If not, the deliveries come again, and find nothing to do.
      const whenTold = Promise.all(workers.map((worker) => worker.inHand.whenEmpty()));
      const told = over && (await isSoon(times.closeLimitMs, 'report', whenTold));
      const gone = told ? left : Promise.all(workers.map((worker) => worker.close(true)));
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
