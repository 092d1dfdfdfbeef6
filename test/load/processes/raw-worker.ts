import { Worker } from 'bullmq';
import { Redis } from 'ioredis';

// The reference: BullMQ with nothing around it. For each job it processes it says when, over IPC, if asked to.
// usage: raw-worker.ts PREFIX QUEUE[,QUEUE…] CONCURRENCY [tell]   (Redis by REDIS_URL)

const [prefix = '', queues = '', concurrency = '1', tell] = process.argv.slice(2);
const connection = new Redis(process.env['REDIS_URL'] ?? '', { maxRetriesPerRequest: null });
const workers = queues.split(',').map(
  (queue) =>
    new Worker(
      queue,
      (job) => {
        if (tell === 'tell')
          process.send?.({ id: job.id, name: job.name, at: performance.timeOrigin + performance.now() });
        return Promise.resolve();
      },
      { connection, prefix, concurrency: Number(concurrency), drainDelay: 60 },
    ),
);
await Promise.all(workers.map((worker) => worker.waitUntilReady()));
const end = (): void => {
  void Promise.all(workers.map((worker) => worker.close(true))).finally(() => process.exit(0));
};
process.on('SIGTERM', end);
process.on('disconnect', end);
process.send?.('ready');
