import { failpoint, type Loop } from '@slacktide/application';
import type { Consumers } from '@slacktide/dispatch';
import type { Logger } from '@slacktide/telemetry';

/** How long anything but the tasks may hold up the end: each of these waits for ledger or Redis, which may be away. */
const patienceMs = 3_000;

/** What a worker has to put away. */
export interface WorkerParts {
  readonly consumers: Consumers;
  readonly drainMs: number;
  /** Aborts the tasks in hand, whatever became of their deliveries. */
  readonly abortTasks: () => void;
  readonly loops: readonly Loop[];
  /** Ends what the loops have in hand. */
  readonly stopping: AbortController;
  /** Tells the ledger that this worker takes no more work. */
  readonly tell: () => Promise<unknown>;
  readonly stopAnswering: () => Promise<unknown>;
  readonly unsubscribeCancels: () => Promise<unknown>;
  readonly signOff: () => Promise<unknown>;
  readonly close: readonly (() => Promise<unknown>)[];
  readonly logger: Logger;
}

/**
 * Stops a worker in order: nothing new from now on, tasks in hand get the drain time and are then aborted and handed back, then everything else ends.
 * Whatever is away, ledger or Redis, it takes the drain time and some 16 s at most.
 */
export async function stopWorker(parts: WorkerParts): Promise<void> {
  const { consumers, drainMs, logger } = parts;
  await failpoint('drain.begun');
  parts.stopping.abort();
  const soon = (what: string, work: () => Promise<unknown>): Promise<void> => bounded(what, work, logger);
  // Besides the consumers, which cannot tell a delivery a second time: one that Redis gave to another worker has been told already, and goes on.
  const outOfTime = setTimeout(parts.abortTasks, drainMs);
  const [drained] = await Promise.all([
    consumers.stop({ deadlineMs: drainMs }),
    soon('last heartbeat', parts.tell),
    soon('questions', parts.stopAnswering),
    soon('loops', () => Promise.all(parts.loops.map((loop) => loop.stop()))),
  ]);
  clearTimeout(outOfTime);
  // Until here a cancel reaches what is in hand.
  await Promise.all([soon('cancels', parts.unsubscribeCancels), soon('sign-off', parts.signOff)]);
  await Promise.all(parts.close.map((close) => soon('closing', close)));
  logger.info({ drained }, 'worker stopped');
}

async function bounded(what: string, work: () => Promise<unknown>, logger: Logger): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not over within ${patienceMs} ms`)), patienceMs);
  });
  try {
    await Promise.race([work(), late]);
  } catch (err) {
    logger.warn({ err, what }, 'stopping goes on without it');
  } finally {
    clearTimeout(timer);
  }
}
