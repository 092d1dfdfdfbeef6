import { randomBytes } from 'node:crypto';
import { FlowProducer, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import type { BenchmarkRun } from './benchmark.ts';
import { type LoadProcess, startProcess } from './start-process.ts';

/** Raw BullMQ on the same Redis: the reference. */
export interface RawQueue {
  readonly prefix: string;
  /** The connection of `queue` and `flows`. */
  readonly redis: Redis;
  readonly queue: Queue;
  readonly flows: FlowProducer;
  readonly workers: readonly LoadProcess[];
}

/** Opens a queue (and the further ones of `queues`) with worker processes that do nothing with its jobs. */
export async function startRawQueue(
  { services, cleanUp }: Pick<BenchmarkRun, 'services' | 'cleanUp'>,
  options: {
    readonly workers: number;
    readonly concurrency: number;
    readonly queues?: string;
    readonly tell?: boolean;
  },
): Promise<RawQueue> {
  const { workers, concurrency, queues = 'raw', tell = false } = options;
  const prefix = `raw-${randomBytes(4).toString('hex')}`;
  const connection = new Redis(services.redisUrl, { maxRetriesPerRequest: null });
  cleanUp.defer(() => connection.disconnect());
  const [first = 'raw'] = queues.split(',');
  const queue = new Queue(first, { connection, prefix });
  const flows = new FlowProducer({ connection, prefix });
  cleanUp.defer(async () => {
    await flows.close();
    await queue.close();
  });
  const processes = await Promise.all(
    Array.from({ length: workers }, () =>
      startProcess({
        entry: 'test/load/processes/raw-worker.ts',
        args: [prefix, queues, String(concurrency), ...(tell ? ['tell'] : [])],
        env: { REDIS_URL: services.redisUrl },
      }),
    ),
  );
  for (const process of processes) cleanUp.defer(() => process.stop());
  return { prefix, redis: connection, queue, flows, workers: processes };
}
