import { Redis } from 'ioredis';
import type { Benchmark, BenchmarkRun } from '../harness/benchmark.ts';
import { calibrate } from '../harness/calibrate.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { startRawQueue } from '../harness/raw-queue.ts';
import { seedSchedules, timersKey } from '../harness/seed-schedules.ts';
import { quantile, spread } from '../harness/statistics.ts';
import { waitUntil } from '../harness/wait-until.ts';

const everySeconds = 600;

/** G5: how late a tick's job is in the ledger when 10 000 schedules are due evenly over ten minutes. */
export const benchmark: Benchmark = {
  title: 'Lateness of ticks',
  async run(run) {
    const schedules = run.quick ? 600 : 10_000;
    const [windows, windowMs] = run.quick ? [1, 3_000] : [7, 5_000];
    const fleet = await startLoadFleet(run, { workers: 0, concurrency: 1, sessions: false, targets: 1 });
    const spacingMs = (everySeconds * 1000) / schedules;
    await seedSchedules(fleet, schedules, (position) => evenly(position * spacingMs));
    await whenTimed(run, fleet, schedules);

    const raw = await startRawQueue(run, { workers: 1, concurrency: 4, tell: true });
    const rawLate: number[] = [];
    raw.workers[0]?.onMessage((message) => {
      if (typeof message !== 'object') return;
      const { name, at } = message as { name: string; at: number };
      rawLate.push(at - Number(name));
    });
    const calibrationMs: number[] = [];
    const p99s: { raw: number[]; product: number[] } = { raw: [], product: [] };
    const all: { raw: number[]; product: number[] } = { raw: [], product: [] };
    for (let window = 0; window < windows; window += 1) {
      calibrationMs.push(calibrate());
      // Both at once: ticks cannot be told to wait for their turn.
      rawLate.length = 0;
      const began = Date.now() + 200;
      const dues = Array.from({ length: Math.floor(windowMs / spacingMs) }, (_, tick) =>
        Math.ceil(began + tick * spacingMs),
      );
      await raw.queue.addBulk(
        dues.map((due) => ({ name: String(due), data: {}, opts: { delay: due - Date.now(), removeOnComplete: true } })),
      );
      await waitUntil('raw jobs', () => rawLate.length === dues.length, { limitMs: windowMs + 30_000, everyMs: 50 });
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, began + windowMs - Date.now())));
      const late = await lateness(fleet, new Date(began), new Date(began + windowMs));
      if (late.length === 0) throw new Error('expected ticks, got none');
      p99s.raw.push(quantile(rawLate, 0.99));
      p99s.product.push(quantile(late, 0.99));
      all.raw.push(...rawLate);
      all.product.push(...late);
    }
    const ratio = spread(p99s.product.map((value, window) => value / (p99s.raw[window] as number)));
    const worst = quantile(all.product, 0.99);
    return {
      calibrationMs,
      rows: [
        {
          goal: 'G5',
          what: `p99 of the lateness, ${schedules.toLocaleString('en')} schedules`,
          unit: 'ms',
          product: spread(p99s.product),
          reference: { what: 'raw delayed jobs at that rate, at the same time', value: spread(p99s.raw) },
          ratio,
          wanted: 'ratio ≤ 2, ≤ 1 s',
          met: ratio.median <= 2 && worst <= 1_000,
        },
        {
          goal: '',
          what: 'p50 over all windows',
          unit: 'ms',
          product: { ...spread([quantile(all.product, 0.5)]), count: all.product.length },
          reference: { what: 'the same', value: { ...spread([quantile(all.raw, 0.5)]), count: all.raw.length } },
        },
      ],
      notes: [
        `Each schedule is due every ten minutes, one every ${spacingMs} ms; a window is ${windowMs / 1000} s. A tick’s lateness ends with its audited job in the ledger, a raw job’s with its start.`,
        'Cron counts in seconds, so the ticks of a second come together; the raw jobs come one by one.',
      ],
    };
  },
};

/** Due every ten minutes at `offsetMs` into them, to the second. */
function evenly(offsetMs: number): { cron: string; nextDueAt: Date } {
  const second = Math.floor(offsetMs / 1000);
  const minutes = Array.from({ length: 6 }, (_, tenth) => Math.floor(second / 60) + 10 * tenth).join(',');
  const period = everySeconds * 1000;
  const due = Math.floor(Date.now() / period) * period + second * 1000;
  return {
    cron: `${second % 60} ${minutes} * * * *`,
    nextDueAt: new Date(due > Date.now() ? due : due + period),
  };
}

async function whenTimed({ services, cleanUp }: BenchmarkRun, fleet: LoadFleet, schedules: number): Promise<void> {
  const redis = new Redis(services.redisUrl);
  cleanUp.defer(() => redis.disconnect());
  const timers = async (): Promise<number> => await redis.zcard(timersKey(fleet.redisPrefix));
  await waitUntil('the timers', async () => (await timers()) >= schedules, { limitMs: 90_000, everyMs: 100 });
}

async function lateness({ sql }: LoadFleet, from: Date, to: Date): Promise<readonly number[]> {
  const rows = await sql<{ late: number }[]>`
    SELECT extract(epoch FROM a.at - j.scheduled_for)::float8 * 1000 AS late
    FROM jobs j JOIN audit_events a ON a.entity = 'job' AND a.entity_id = j.id::text AND a.action = 'job.create'
    WHERE j.trigger = 'schedule' AND j.scheduled_for >= ${from} AND j.scheduled_for < ${to}`;
  return rows.map(({ late }) => late);
}
