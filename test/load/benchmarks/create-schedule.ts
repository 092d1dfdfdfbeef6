import { randomBytes } from 'node:crypto';
import type { Benchmark } from '../harness/benchmark.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { openLoop } from '../harness/open-loop.ts';
import { type RawQueue, startRawQueue } from '../harness/raw-queue.ts';
import { interleave, ratio } from '../harness/rounds.ts';
import { quantile, spread } from '../harness/statistics.ts';

const perSecond = 50;

/** G8: `POST /schedules` at 50 requests a second. */
export const benchmark: Benchmark = {
  title: 'Creating schedules',
  async run(run) {
    const count = perSecond * (run.quick ? 1 : 5);
    const fleet = await startLoadFleet(run, { workers: 0, concurrency: 1, sessions: false, targets: 1 });
    const raw = await startRawQueue(run, { workers: 0, concurrency: 1 });
    await fleet.sql`CREATE TABLE raw_schedules (LIKE schedules INCLUDING ALL)`;
    const all: Record<'raw' | 'product', number[]> = { raw: [], product: [] };
    const leg = (name: keyof typeof all, send: () => Promise<void>) => async () => {
      const taken = await openLoop({ perSecond, count, send });
      all[name].push(...taken);
      return quantile(taken, 0.5);
    };
    const rounds = await interleave({
      rounds: run.quick ? 1 : 7,
      legs: { raw: leg('raw', () => rawSchedule(raw, fleet)), product: leg('product', () => postSchedule(fleet)) },
    });
    const p99 = quantile(all.product, 0.99);
    const medians = ratio(rounds, 'product', 'raw');
    return {
      calibrationMs: rounds.calibrationMs,
      rows: [
        {
          goal: 'G8',
          what: 'POST /schedules, p50 over HTTP',
          unit: 'ms',
          product: spread(rounds.values.product),
          reference: { what: 'one prepared insert, one upserted job scheduler', value: spread(rounds.values.raw) },
          ratio: medians,
          wanted: 'ratio ≤ 2',
          met: medians.median <= 2,
        },
        {
          goal: 'G8',
          what: 'p99 over all rounds',
          unit: 'ms',
          product: { ...spread([p99]), count: all.product.length },
          reference: { what: 'the same', value: { ...spread([quantile(all.raw, 0.99)]), count: all.raw.length } },
          wanted: '≤ 25 ms',
          met: p99 <= 25,
        },
      ],
      notes: [
        `${perSecond} requests a second whether answered or not, ${count} a round; the time counts from the moment a request was due.`,
        'A request is checked (cron, zone, tasks, targets), authenticated, written with its audit event and its outbox row in one durable transaction; the timer reaches Redis through the relay at the same time.',
      ],
    };
  },
};

async function postSchedule({ url, headers }: LoadFleet): Promise<void> {
  const id = `s-${randomBytes(8).toString('hex')}`;
  const response = await fetch(`${url}/api/v1/maintenance/schedules`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ id, name: id, cron_expression: '0 3 * * *', target_ids: ['t1'], tasks: ['CHECKPOINT'] }),
  });
  const text = await response.text();
  if (response.status !== 201) throw new Error(`expected 201, got ${response.status}: ${text}`);
}

async function rawSchedule({ queue }: RawQueue, { sql }: LoadFleet): Promise<void> {
  const id = `r-${randomBytes(8).toString('hex')}`;
  const now = new Date();
  await sql`
    INSERT INTO raw_schedules (id, name, cron_expression, timezone, targets, tasks, halt_on_task_failure, enabled,
      misfire_policy, version, next_due_at, created_at, updated_at)
    VALUES (${id}, ${id}, '0 3 * * *', 'UTC', ${sql.json({ kind: 'ids', ids: ['t1'] })}, ${sql.json([])}, true, true, 'run_once', 1, ${now}, ${now}, ${now})`;
  await queue.upsertJobScheduler(id, { pattern: '0 3 * * *', tz: 'UTC' }, { name: 'tick', data: { id } });
}
