import { Redis } from 'ioredis';
import type { Benchmark, BenchmarkRun, Row } from '../harness/benchmark.ts';
import { calibrate } from '../harness/calibrate.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { type RawQueue, startRawQueue } from '../harness/raw-queue.ts';
import { seedSchedules, timersKey } from '../harness/seed-schedules.ts';
import { spread } from '../harness/statistics.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** G6 and G7: 1 000 and 10 000 schedules due in one second. */
export const benchmark: Benchmark = {
  title: 'Schedules due in one second',
  async run(run) {
    const calibrationMs: number[] = [];
    const rows: Row[] = [];
    // Both sides fire at each turn of the cron, half a period apart.
    const cases = run.quick
      ? [{ goal: 'G6', schedules: 100, pairs: 1, periodSeconds: 6 }]
      : [
          { goal: 'G6', schedules: 1_000, pairs: 5, periodSeconds: 10 },
          { goal: 'G7', schedules: 10_000, pairs: 1, periodSeconds: 60 },
        ];
    for (const { goal, schedules, pairs, periodSeconds } of cases) {
      const raw: number[] = [];
      const product: number[] = [];
      await using cleanUp = new AsyncDisposableStack();
      const inner = { ...run, cleanUp };
      const sides = await prepare(inner, schedules, periodSeconds);
      for (let pair = 0; pair < pairs; pair += 1) {
        calibrationMs.push(calibrate());
        raw.push(await sides.raw());
        product.push(await sides.product());
      }
      const ratio = spread(product.map((value, pair) => value / (raw[pair] as number)));
      rows.push({
        goal,
        what: `${schedules.toLocaleString('en')} schedules: due time to the last job’s row`,
        unit: 'ms',
        product: spread(product),
        reference: { what: 'due time to the start of the last raw tick', value: spread(raw) },
        ratio,
        wanted: 'ratio ≤ 2, none lost, none doubled',
        met: ratio.median <= 2,
      });
    }
    return {
      rows,
      calibrationMs,
      notes: [
        'Both sides are due at each turn of their cron, half a turn apart, so pairs cost minutes: few of them, and one of 10 000.',
        'Every schedule has exactly one job for the due time, or the benchmark fails. The product also hands each job’s flow to Redis meanwhile, the raw side only takes the tick.',
      ],
    };
  },
};

async function prepare(run: BenchmarkRun, schedules: number, periodSeconds: number) {
  const half = periodSeconds / 2;
  const redis = new Redis(run.services.redisUrl);
  run.cleanUp.defer(() => redis.disconnect());
  const raw = await startRawQueue(run, { workers: 1, concurrency: 4, tell: true });
  const started: { due: number; at: number }[] = [];
  raw.workers[0]?.onMessage((message) => {
    if (typeof message !== 'object') return;
    const { id, at } = message as { id: string; at: number };
    started.push({ due: Number(id.split(':').at(-1)), at });
  });
  const fleet = await startLoadFleet(run, { workers: 0, concurrency: 1, sessions: false, targets: 1 });
  // Far enough ahead for all timers to be set: about 2 ms each.
  const first = nextTurn(Date.now() + schedules * 3 + 3_000, periodSeconds, 0);
  await seedSchedules(fleet, schedules, () => ({
    cron: seconds(periodSeconds, half),
    nextDueAt: new Date(first.getTime() + half * 1000),
  }));
  await upsertRaw(raw, schedules, seconds(periodSeconds, 0), first);
  await waitUntil('the timers', async () => (await redis.zcard(timersKey(fleet.redisPrefix))) >= schedules, {
    limitMs: 90_000,
    everyMs: 100,
  });
  // Turns that come while the other side is at it are let pass: a timer that is late leaves some out.
  const turn = (offset: number): number =>
    Math.max(first.getTime() + offset * 1000, nextTurn(Date.now() + 500, periodSeconds, offset).getTime());
  return {
    async raw(): Promise<number> {
      const due = turn(0);
      const atDue = () => started.filter((tick) => tick.due === due);
      await waitUntil('raw ticks', () => atDue().length >= schedules, { limitMs: 120_000, everyMs: 20 });
      return Math.max(...atDue().map(({ at }) => at)) - due;
    },
    async product(): Promise<number> {
      return await lastJob(fleet, new Date(turn(half)), schedules);
    },
  };
}

async function lastJob({ sql }: LoadFleet, due: Date, schedules: number): Promise<number> {
  const count = async (): Promise<number> => {
    const [row] = await sql<[{ jobs: number }]>`SELECT count(*)::int AS jobs FROM jobs WHERE scheduled_for = ${due}`;
    return row.jobs;
  };
  await waitUntil('the jobs', async () => (await count()) >= schedules, { limitMs: 120_000, everyMs: 20 });
  const [row] = await sql<[{ late: number; schedules: number; jobs: number }]>`
    SELECT extract(epoch FROM max(a.at) - ${due}::timestamptz)::float8 * 1000 AS late,
      count(DISTINCT j.schedule_id)::int AS schedules, count(*)::int AS jobs
    FROM jobs j JOIN audit_events a ON a.entity = 'job' AND a.entity_id = j.id::text AND a.action = 'job.create'
    WHERE j.scheduled_for = ${due}`;
  if (row.jobs !== schedules || row.schedules !== schedules) {
    throw new Error(`expected ${schedules} jobs, got ${row.jobs} of ${row.schedules} schedules`);
  }
  return row.late;
}

async function upsertRaw({ queue }: RawQueue, count: number, pattern: string, startDate: Date): Promise<void> {
  const template = { name: 'tick', data: {}, opts: { removeOnComplete: true } };
  for (let done = 0; done < count; done += 50) {
    await Promise.all(
      Array.from({ length: Math.min(50, count - done) }, (_, position) =>
        queue.upsertJobScheduler(
          `r${done + position}`,
          { pattern, tz: 'UTC', startDate: startDate.getTime() - 1000 },
          template,
        ),
      ),
    );
  }
}

/** A cron of six fields: every `period` seconds, `offset` into them. */
function seconds(period: number, offset: number): string {
  const list = Array.from({ length: 60 / period }, (_, turn) => turn * period + offset).join(',');
  return `${list} * * * * *`;
}

function nextTurn(afterMs: number, periodSeconds: number, offsetSeconds: number): Date {
  const period = periodSeconds * 1000;
  return new Date(Math.ceil((afterMs - offsetSeconds * 1000) / period) * period + offsetSeconds * 1000);
}
