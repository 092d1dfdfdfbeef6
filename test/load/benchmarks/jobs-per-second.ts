import type { Benchmark, Row } from '../harness/benchmark.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { startOtlpSink } from '../harness/otlp-sink.ts';
import { type RawQueue, startRawQueue } from '../harness/raw-queue.ts';
import { interleave, ratio } from '../harness/rounds.ts';
import { spread } from '../harness/statistics.ts';
import { waitUntil } from '../harness/wait-until.ts';

const workers = 2;
const concurrency = 8;
/** Many more than tasks at once, as in a fleet: tasks on one target wait for each other. */
const targets = 256;

/** G1 and G2: trivial jobs a second from the outbox to the end of the job, against raw BullMQ. */
export const benchmark: Benchmark = {
  title: 'Jobs per second',
  async run(run) {
    const sizes = run.quick ? { raw: 200, flows: 50, jobs: 40 } : { raw: 3_000, flows: 1_000, jobs: 300 };
    const otlp = await startOtlpSink(run.cleanUp);
    const plain = { workers, concurrency, targets };
    const raw = await startRawQueue(run, { workers, concurrency, queues: 'raw,raw-root' });
    const traced = await startLoadFleet(run, { ...plain, sessions: false, otlpEndpoint: otlp.url });
    const untraced = await startLoadFleet(run, { ...plain, sessions: false });
    // A session a task is three connections to the target: fewer of them, and fewer jobs.
    const onTargets = await startLoadFleet(run, { ...plain, sessions: true, otlpEndpoint: otlp.url });
    const rounds = await interleave({
      rounds: run.quick ? 1 : 7,
      legs: {
        raw: () => rawJobs(raw, sizes.raw),
        flows: () => rawFlows(raw, sizes.flows),
        traced: () => productJobs(traced, sizes.jobs),
        untraced: () => productJobs(untraced, sizes.jobs),
        onTargets: () => productJobs(onTargets, Math.ceil(sizes.jobs / 4)),
      },
    });
    if (otlp.bytes() === 0) throw new Error('expected spans to be exported, got none');
    const { values, calibrationMs } = rounds;
    const g1 = ratio(rounds, 'traced', 'raw');
    const g2 = ratio(rounds, 'traced', 'untraced');
    const reference = { what: 'raw BullMQ jobs', value: spread(values.raw) };
    const rows: Row[] = [
      {
        goal: 'G1',
        what: 'jobs of one task, no session to the target; ledger, audit, spans at 100 %, metrics',
        unit: 'jobs/s',
        product: spread(values.traced),
        reference,
        ratio: g1,
        wanted: 'ratio ≥ 0.50',
        met: g1.median >= 0.5,
      },
      {
        goal: '',
        what: 'the same against raw flows of one task and a root, which is what a job is in Redis',
        unit: 'jobs/s',
        product: spread(values.traced),
        reference: { what: 'raw BullMQ flows', value: spread(values.flows) },
        ratio: ratio(rounds, 'traced', 'flows'),
      },
      {
        goal: '',
        what: 'the same with a session to the target for each task',
        unit: 'jobs/s',
        product: spread(values.onTargets),
        reference,
        ratio: ratio(rounds, 'onTargets', 'raw'),
      },
      {
        goal: 'G2',
        what: 'tracing on against off',
        unit: 'jobs/s',
        product: spread(values.traced),
        reference: { what: 'the same without tracing', value: spread(values.untraced) },
        ratio: g2,
        wanted: 'ratio ≥ 0.80',
        met: g2.median >= 0.8,
      },
    ];
    return {
      rows,
      calibrationMs,
      notes: [
        `${workers} worker processes of concurrency ${concurrency} on either side, ${targets} targets. A round is ${sizes.raw} raw jobs, ${sizes.flows} raw flows, ${sizes.jobs} jobs (a quarter of them with sessions), from handing them over to the last one's end.`,
      ],
    };
  },
};

async function rawJobs({ queue }: RawQueue, count: number): Promise<number> {
  const started = performance.now();
  await queue.addBulk(Array.from({ length: count }, (_, position) => ({ name: 'job', data: { id: position } })));
  await waitUntil('raw jobs', async () => (await queue.getCompletedCount()) === count, { everyMs: 5 });
  const perSecond = count / ((performance.now() - started) / 1000);
  await queue.clean(0, 0, 'completed');
  return perSecond;
}

async function rawFlows(raw: RawQueue, count: number): Promise<number> {
  const started = performance.now();
  const opts = { removeOnComplete: false };
  for (let done = 0; done < count; done += 50) {
    await raw.flows.addBulk(
      Array.from({ length: Math.min(50, count - done) }, (_, position) => ({
        name: 'root',
        queueName: 'raw-root',
        opts: { ...opts, removeOnComplete: true },
        children: [{ name: 'task', queueName: 'raw', data: { id: done + position }, opts }],
      })),
    );
  }
  await waitUntil('raw flows', async () => (await openRoots(raw)) === 0, { everyMs: 5 });
  const perSecond = count / ((performance.now() - started) / 1000);
  await raw.queue.clean(0, 0, 'completed');
  return perSecond;
}

/** Roots that are still there: waiting for children, waiting, or in hand. */
async function openRoots({ redis, prefix }: RawQueue): Promise<number> {
  const key = `${prefix}:raw-root:`;
  const counts = await Promise.all([
    redis.zcard(`${key}waiting-children`),
    redis.llen(`${key}wait`),
    redis.llen(`${key}active`),
  ]);
  return counts.reduce((sum, each) => sum + each, 0);
}

async function productJobs(fleet: LoadFleet, count: number): Promise<number> {
  const jobs = await fleet.addJobs(count, (position) => ({
    targetId: `t${1 + (position % targets)}`,
    tasks: [{ key: 'nothing', type: 'LOAD_NOTHING', config: {}, needs: [] }],
  }));
  const started = performance.now();
  await fleet.release(jobs);
  await fleet.whenOver(jobs);
  const perSecond = count / ((performance.now() - started) / 1000);
  await whenRemoved(fleet);
  return perSecond;
}

/** Flows are removed after their job's end: that must not fall into the next leg's time. */
async function whenRemoved({ sql }: LoadFleet): Promise<void> {
  const isEmpty = async (): Promise<boolean> => {
    const [row] = await sql<[{ empty: boolean }]>`SELECT NOT EXISTS (SELECT FROM outbox) AS empty`;
    return row.empty;
  };
  await waitUntil('the relay', isEmpty);
}
