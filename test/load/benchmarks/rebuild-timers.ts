import { Redis } from 'ioredis';
import type { Benchmark } from '../harness/benchmark.ts';
import { startLoadFleet } from '../harness/load-fleet.ts';
import { startRawQueue } from '../harness/raw-queue.ts';
import { interleave, ratio } from '../harness/rounds.ts';
import { seedSchedules, timersKey } from '../harness/seed-schedules.ts';
import { spread } from '../harness/statistics.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** G9: how fast the timers are back after Redis was emptied; and G15: what they take in Redis. */
export const benchmark: Benchmark = {
  title: 'Timers after Redis was emptied',
  async run(run) {
    const schedules = run.quick ? 200 : 10_000;
    const redis = new Redis(run.services.redisUrl);
    run.cleanUp.defer(() => redis.disconnect());
    const raw = await startRawQueue(run, { workers: 0, concurrency: 1 });
    const fleet = await startLoadFleet(run, { workers: 0, concurrency: 1, sessions: false, targets: 1 });
    const tomorrow = new Date(Date.now() + 86_400_000);
    await seedSchedules(fleet, schedules, () => ({
      cron: `${tomorrow.getUTCMinutes()} ${tomorrow.getUTCHours()} * * *`,
      nextDueAt: new Date(Math.floor(tomorrow.getTime() / 60_000) * 60_000),
    }));
    const timers = async (): Promise<number> => await redis.zcard(timersKey(fleet.redisPrefix));
    const whenAll = (): Promise<number> =>
      waitUntil('the timers', async () => (await timers()) >= schedules, { limitMs: 120_000, everyMs: 20 });
    await whenAll();

    const whole: number[] = [];
    const bytes: Record<'raw' | 'product', number[]> = { raw: [], product: [] };
    const rounds = await interleave({
      rounds: run.quick ? 1 : 3,
      warmUps: 0,
      legs: {
        product: async () => {
          await redis.flushall();
          const before = await usedBytes(redis);
          const waited = await waitUntil('the first timer', async () => (await timers()) > 0, { limitMs: 60_000 });
          const taken = await whenAll();
          whole.push((waited + taken) / 1000);
          bytes.product.push(((await usedBytes(redis)) - before) / schedules);
          return schedules / (taken / 1000);
        },
        raw: async () => {
          const before = await usedBytes(redis);
          const started = performance.now();
          for (let done = 0; done < schedules; done += 50) await upsert(raw, done, Math.min(50, schedules - done));
          const perSecond = schedules / ((performance.now() - started) / 1000);
          bytes.raw.push(((await usedBytes(redis)) - before) / schedules);
          return perSecond;
        },
      },
    });
    const g9 = ratio(rounds, 'product', 'raw');
    const perTimer = spread(bytes.product.map((value, round) => value / (bytes.raw[round] as number)));
    return {
      calibrationMs: rounds.calibrationMs,
      rows: [
        {
          goal: 'G9',
          what: `${schedules.toLocaleString('en')} timers, from the first to the last`,
          unit: 'timers/s',
          product: spread(rounds.values.product),
          reference: { what: 'raw upserts, 50 at once', value: spread(rounds.values.raw) },
          ratio: g9,
          wanted: 'ratio ≥ 0.8',
          met: g9.median >= 0.8,
        },
        { goal: '', what: 'from FLUSHALL to the last timer', unit: 's', product: spread(whole) },
        {
          goal: 'G15',
          what: 'bytes in Redis per schedule',
          unit: 'B',
          product: spread(bytes.product),
          reference: { what: 'raw job scheduler with `{id}` as data', value: spread(bytes.raw) },
          ratio: perTimer,
          wanted: '≤ 2 × 1 544 B',
          met: spread(bytes.product).median <= 2 * 1_544,
        },
      ],
      notes: ['FLUSHALL in each round of the product; what is measured begins when the reconciler has noticed.'],
    };
  },
};

async function upsert(
  { queue }: Awaited<ReturnType<typeof startRawQueue>>,
  from: number,
  count: number,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, (_, position) => {
      const id = `r${from + position}`;
      return queue.upsertJobScheduler(id, { pattern: '0 3 * * *', tz: 'UTC' }, { name: 'tick', data: { id } });
    }),
  );
}

async function usedBytes(redis: Redis): Promise<number> {
  const info = await redis.info('memory');
  return Number(/^used_memory_dataset:(\d+)/m.exec(info)?.[1]);
}
