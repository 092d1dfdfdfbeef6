import { type Delivery, failpoint } from '@slacktide/application';
import { DelayedError, type Job, UnrecoverableError } from 'bullmq';
import type { OnError } from './error-report.ts';

/** What is done about a delivered job. */
export interface DeliveryHandling {
  readonly handle: () => Promise<Delivery>;
  /** Puts the job off: it comes again in so many milliseconds. */
  readonly putOff: (delayMs: number) => Promise<void>;
  readonly onError: OnError;
}

/**
 * Asks `handle` about a delivered job and tells BullMQ the answer: returns when it is over, throws DelayedError when it
 * comes again, throws otherwise when infrastructure failed (BullMQ then delivers it again, with back-off).
 *
 * What `handle` threw goes to `onError` only: BullMQ keeps messages in Redis, and they may hold anything (law 12).
 */
export async function answerDelivery(
  job: Job<unknown, void>,
  { handle, putOff, onError }: DeliveryHandling,
): Promise<void> {
  const answer = await handle().catch((error: unknown) => {
    if (error instanceof UnrecoverableError) throw error;
    const cause = error instanceof Error ? error : new Error(String(error));
    onError(cause, job.queueName);
    throw new Error(`delivery failed: ${cause.name}; see the log of the worker`);
  });
  await failpoint('delivery.before_complete');
  if (answer.kind === 'done') return;
  await putOff(answer.delayMs);
  throw new DelayedError();
}
