import { randomUUID } from 'node:crypto';
import type { FlowJob } from 'bullmq';
import type { Benchmark } from '../harness/benchmark.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { type RawQueue, startRawQueue } from '../harness/raw-queue.ts';
import { interleave, ratio } from '../harness/rounds.ts';
import { quantile, spread } from '../harness/statistics.ts';

const length = 5;

/** G3: how long a job of five tasks, one after the other, takes on an idle system. */
export const benchmark: Benchmark = {
  title: 'Five tasks, one after the other',
  async run(run) {
    const jobs = run.quick ? 2 : 15;
    const raw = await startRawQueue(run, { workers: 1, concurrency: 8, queues: 'raw,raw-root', tell: true });
    const whenDone = listen(raw);
    const plain = { workers: 1, concurrency: 8, targets: 1 };
    const bare = await startLoadFleet(run, { ...plain, sessions: false });
    const onTarget = await startLoadFleet(run, { ...plain, sessions: true });
    const rounds = await interleave({
      rounds: run.quick ? 1 : 7,
      legs: {
        raw: () => median(jobs, () => rawFlow(raw, whenDone)),
        bare: () => median(jobs, () => oneJob(bare)),
        onTarget: () => median(jobs, () => oneJob(onTarget)),
      },
    });
    const { values, calibrationMs } = rounds;
    const g3 = ratio(rounds, 'bare', 'raw');
    const reference = { what: `raw BullMQ flow of ${length} and a root`, value: spread(values.raw) };
    return {
      calibrationMs,
      rows: [
        {
          goal: 'G3',
          what: 'from the request’s commit to the job’s end in the ledger, p50, no sessions to the target',
          unit: 'ms',
          product: spread(values.bare),
          reference,
          ratio: g3,
          wanted: 'ratio ≤ 2',
          met: g3.median <= 2,
        },
        {
          goal: '',
          what: 'the same with a session to the target for each task',
          unit: 'ms',
          product: spread(values.onTarget),
          reference,
          ratio: ratio(rounds, 'onTarget', 'raw'),
        },
      ],
      notes: [`A round is the median of ${jobs} jobs, each begun when the one before was over.`],
    };
  },
};

async function median(count: number, one: () => Promise<number>): Promise<number> {
  const taken: number[] = [];
  for (let done = 0; done < count; done += 1) taken.push(await one());
  return quantile(taken, 0.5);
}

/** Resolves with the moment at which the job called `name` was processed. */
type WhenDone = (name: string) => Promise<number>;

function listen({ workers }: RawQueue): WhenDone {
  const waiting = new Map<string, (at: number) => void>();
  for (const worker of workers) {
    worker.onMessage((message) => {
      const { name, at } = message as { name: string; at: number };
      waiting.get(name)?.(at);
      waiting.delete(name);
    });
  }
  return (name) => new Promise((resolve) => waiting.set(name, resolve));
}

async function rawFlow({ flows }: RawQueue, whenDone: WhenDone): Promise<number> {
  const root = `root-${randomUUID()}`;
  const opts = { removeOnComplete: true };
  let tree: FlowJob | undefined;
  for (let position = 0; position < length; position += 1) {
    tree = { name: 'task', queueName: 'raw', data: {}, opts, ...(tree === undefined ? {} : { children: [tree] }) };
  }
  const ended = whenDone(root);
  const started = now();
  await flows.add({ name: root, queueName: 'raw-root', data: {}, opts, children: tree === undefined ? [] : [tree] });
  return (await ended) - started;
}

async function oneJob(fleet: LoadFleet): Promise<number> {
  const keys = Array.from({ length }, (_, position) => `task-${position}`);
  const jobs = await fleet.addJobs(1, () => ({
    targetId: 't1',
    tasks: keys.map((key, position) => ({
      key,
      type: 'LOAD_NOTHING',
      config: {},
      needs: keys.slice(0, position).slice(-1),
    })),
  }));
  const started = now();
  await fleet.release(jobs);
  await fleet.whenOver(jobs);
  const [job] = jobs;
  if (job === undefined) throw new Error('expected a job');
  const [row] = await fleet.sql<[{ at: number; state: string }]>`
    SELECT extract(epoch FROM finished_at)::float8 * 1000 AS at, state FROM jobs WHERE scheduled_for = ${job.scheduledFor} AND id = ${job.id}`;
  if (row.state !== 'SUCCEEDED') throw new Error(`expected the job to succeed, got ${row.state}`);
  return row.at - started;
}

/** Ledger, workers and we share one machine, and so one clock. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
