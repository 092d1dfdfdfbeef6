import { Redis } from 'ioredis';
import type { Benchmark } from '../harness/benchmark.ts';
import { calibrate } from '../harness/calibrate.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { heapMib, residentMib } from '../harness/memory-of.ts';
import { seedSchedules, timersKey } from '../harness/seed-schedules.ts';
import { spread } from '../harness/statistics.ts';
import { waitUntil } from '../harness/wait-until.ts';

/** G15: what 10 000 schedules cost the control plane in memory. */
export const benchmark: Benchmark = {
  title: 'Memory with many schedules',
  async run(run) {
    const schedules = run.quick ? 200 : 10_000;
    const plain = { workers: 0, concurrency: 1, sessions: false, targets: 1 };
    const none = await startLoadFleet(run, plain);
    const many = await startLoadFleet(run, plain);
    const tomorrow = new Date(Math.floor(Date.now() / 60_000) * 60_000 + 86_400_000);
    await seedSchedules(many, schedules, () => ({
      cron: `${tomorrow.getUTCMinutes()} ${tomorrow.getUTCHours()} * * *`,
      nextDueAt: tomorrow,
    }));
    const redis = new Redis(run.services.redisUrl);
    run.cleanUp.defer(() => redis.disconnect());
    const timed = async (): Promise<boolean> => (await redis.zcard(timersKey(many.redisPrefix))) >= schedules;
    await waitUntil('the timers', timed, { limitMs: 120_000, everyMs: 100 });
    await pause(run.quick ? 0 : 20_000); // the reconciler has gone through them all at least once more
    const rounds = run.quick ? 1 : 7;
    const resident: number[] = [];
    const heap: number[] = [];
    const base: number[] = [];
    const calibrationMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      calibrationMs.push(calibrate());
      await Promise.all([list(none), list(many)]);
      base.push(residentMib(none.controlPlane.pid));
      resident.push(residentMib(many.controlPlane.pid) - (base.at(-1) as number));
      heap.push((await heapMib(`${many.url}/metrics`)) - (await heapMib(`${none.url}/metrics`)));
      await pause(run.quick ? 0 : 3_000);
    }
    return {
      calibrationMs,
      rows: [
        {
          goal: 'G15',
          what: `resident memory of a control plane of all roles, ${schedules.toLocaleString('en')} schedules less none`,
          unit: 'MiB',
          product: spread(resident),
          reference: { what: 'the one with none', value: spread(base) },
          wanted: '≤ 30 MiB',
          met: spread(resident).median <= 30,
        },
        { goal: '', what: 'the same of used JavaScript heap, garbage included', unit: 'MiB', product: spread(heap) },
      ],
      notes: ['Looked at every 3 s after a page of schedules was asked for, from 20 s after the timers were set.'],
    };
  },
};

async function list({ url, headers }: LoadFleet): Promise<void> {
  const response = await fetch(`${url}/api/v1/maintenance/schedules?limit=200`, { headers });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`expected 200, got ${response.status}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
