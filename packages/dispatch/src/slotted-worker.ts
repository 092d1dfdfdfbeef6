import { type Job, type Processor, Worker, type WorkerOptions } from 'bullmq';
import type { Redis } from 'ioredis';
import { InHand } from './in-hand.ts';
import type { Slots } from './slots.ts';

/** To BullMQ's loop: no job. Its types do not say that this is an answer. */
const nothing = undefined as unknown as Job<unknown, void>;

/**
 * A BullMQ worker that takes a slot *before* it fetches a job. BullMQ bounds the work of one queue; the workers of many
 * queues keep one bound per process by sharing slots. (A limit inside the processor would come too late: the job would be
 * active here, waiting, and out of reach of a process with a free slot. Answering `later` instead would cycle a backlog
 * of thousands through the delayed set.)
 *
 *   marker seen → slot free?  yes → fetch → process, beside the loop → free the slot
 *                             no  → hand the marker back → wait for a slot, in line with the other queues → fetch
 *
 * BullMQ's own loop only waits and fetches here. Left to process, it would first fetch up to its concurrency and then
 * begin: two queues with one of two slots each would wait for each other. A finished job does not bring the next one of
 * its queue along either (BullMQ's shortcut), so every queue gets its turn.
 *
 * The marker is BullMQ's way to wake one blocked worker per queue. Who took it and cannot act on it keeps the others
 * asleep, hence the handing back; a marker too many only costs an empty look.
 */
export class SlottedWorker extends Worker<unknown, void> {
  readonly inHand = new InHand();
  readonly #slots: Slots;
  readonly #redis: Redis;

  constructor(
    queue: string,
    processor: Processor<unknown, void>,
    options: Omit<WorkerOptions, 'connection'>,
    { slots, redis }: { slots: Slots; redis: Redis },
  ) {
    super(queue, processor, { ...options, connection: redis, concurrency: 1, autorun: false });
    this.#slots = slots;
    this.#redis = redis;
  }

  protected override async moveToActive(token: string, name?: string): Promise<Job<unknown, void>> {
    if (!this.#slots.tryTake()) {
      this.#handMarkerBack();
      if (!(await this.#slots.take())) return nothing;
    }
    let job: Job<unknown, void> | undefined;
    try {
      if (this.closing !== undefined || this.paused) this.#handMarkerBack();
      else job = await super.moveToActive(token, name);
    } finally {
      if (job === undefined) this.#slots.free();
    }
    if (job !== undefined) this.#process(job, token).catch((error: Error) => this.emit('error', error));
    return nothing;
  }

  async #process(job: Job<unknown, void>, token: string): Promise<void> {
    this.inHand.add(token);
    try {
      await this.processJob(job, token, () => false);
    } finally {
      this.inHand.remove(token);
      this.#slots.free();
    }
  }

  /**
   * Stops listening for jobs (after `pause`), and wakes a worker of another process to look in our stead: the marker, or
   * the due time of a delay, that we took last is known to nobody else. What is in hand goes on.
   */
  async stopListening(): Promise<void> {
    // Waits until Redis has seen us go: else it might serve the marker to us once more.
    await this.getBackend().disconnectBlocking(true);
    await this.#redis.zadd(this.toKey('marker'), 0, '0');
  }

  /**
   * Puts a job in hand off until `nowMs + delayMs`. As `job.moveToDelayed`, but by the time it is told: that one takes this process's clock, and
   * one that is ahead by hours would put the job off by hours for everybody.
   */
  async putOff(job: Job<unknown, void>, token: string, nowMs: number, delayMs: number): Promise<void> {
    await this.getBackend().moveToDelayed(job.id ?? '', Math.round(nowMs), delayMs, token, { skipAttempt: true });
  }

  #handMarkerBack(): void {
    this.#redis.zadd(this.toKey('marker'), 0, '0').catch((error: Error) => this.emit('error', error));
  }
}
