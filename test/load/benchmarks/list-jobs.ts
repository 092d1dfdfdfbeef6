import type { Benchmark, BenchmarkResult, Row } from '../harness/benchmark.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { interleave, type Rounds, ratio } from '../harness/rounds.ts';
import { seedJobs } from '../harness/seed-jobs.ts';
import { quantile, spread } from '../harness/statistics.ts';

const schedules = 1_000;
const days = 30;

/** G10: pages of `GET /jobs`, filtered, with a million jobs in the ledger (`BENCH_JOBS` = another number). */
export const benchmark: Benchmark = {
  title: 'Listing jobs',
  // What is measured reads: filling the table need not be durable.
  postgresSettings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
  async run(run): Promise<BenchmarkResult> {
    const rows = run.quick ? 20_000 : Number(process.env['BENCH_JOBS'] ?? 1_000_000);
    const requests = run.quick ? 5 : 60;
    const fleet = await startLoadFleet(run, {
      workers: 0,
      concurrency: 1,
      sessions: false,
      targets: 1,
      env: { RETENTION_HOURS: '87600' },
    });
    await seedJobs(fleet.sql, { rows, days, schedules });
    const results: Row[] = [];
    const calibrationMs: number[] = [];
    for (const { what, query, page } of pages(fleet)) {
      const all: Record<'sql' | 'http', number[]> = { sql: [], http: [] };
      const leg = (name: keyof typeof all, one: () => Promise<void>) => () => repeat(requests, one, all[name]);
      const rounds: Rounds<'sql' | 'http'> = await interleave({
        rounds: run.quick ? 1 : 7,
        legs: { sql: leg('sql', page), http: leg('http', () => getJobs(fleet, query)) },
      });
      calibrationMs.push(...rounds.calibrationMs);
      const medians = ratio(rounds, 'http', 'sql');
      const p99 = quantile(all.http, 0.99) / quantile(all.sql, 0.99);
      results.push(
        {
          goal: '',
          what: `${what}, p50`,
          unit: 'ms',
          product: spread(rounds.values.http),
          reference: { what: 'the page of jobs by SQL', value: spread(rounds.values.sql) },
          ratio: medians,
        },
        {
          goal: 'G10',
          what: `${what}, p99`,
          unit: 'ms',
          product: { ...spread([quantile(all.http, 0.99)]), count: all.http.length },
          reference: {
            what: 'p99 of the same SQL',
            value: { ...spread([quantile(all.sql, 0.99)]), count: all.sql.length },
          },
          ratio: spread([p99]),
          wanted: 'ratio ≤ 3',
          met: p99 <= 3,
        },
      );
    }
    return {
      rows: results,
      calibrationMs,
      notes: [
        `${rows.toLocaleString('en')} jobs of one task over ${days} days and ${schedules} schedules, 50 a page, one request after the other. The reference reads the 50 rows of \`jobs\` by a prepared statement; the product also reads tasks and steps, checks the key, and writes the JSON.`,
      ],
    };
  },
};

function pages({ sql }: LoadFleet): { what: string; query: string; page: () => Promise<void> }[] {
  const newest = sql`ORDER BY scheduled_for DESC, id DESC LIMIT 51`;
  return [
    {
      what: 'by state',
      query: 'state=FAILED',
      page: async () => void (await sql`SELECT * FROM jobs WHERE state = ${'FAILED'} ${newest}`),
    },
    {
      what: 'by schedule',
      query: 'schedule_id=s7',
      page: async () => void (await sql`SELECT * FROM jobs WHERE schedule_id = ${'s7'} ${newest}`),
    },
    {
      what: 'by target, of a span of ten days',
      query: `target_id=t7&from=${encodeURIComponent(daysAgo(20).toISOString())}&to=${encodeURIComponent(daysAgo(10).toISOString())}`,
      page: async () =>
        void (await sql`
          SELECT * FROM jobs WHERE target_id = ${'t7'} AND scheduled_for >= ${daysAgo(20)} AND scheduled_for < ${daysAgo(10)} ${newest}`),
    },
  ];
}

function daysAgo(count: number): Date {
  return new Date(Date.UTC(new Date().getUTCFullYear(), new Date().getUTCMonth(), new Date().getUTCDate() - count));
}

async function repeat(count: number, one: () => Promise<void>, all: number[]): Promise<number> {
  const taken: number[] = [];
  for (let done = 0; done < count; done += 1) {
    const started = performance.now();
    await one();
    taken.push(performance.now() - started);
  }
  all.push(...taken);
  return quantile(taken, 0.5);
}

async function getJobs({ url, headers }: LoadFleet, query: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/maintenance/jobs?limit=50&${query}`, { headers });
  const body = (await response.json()) as { items?: unknown[] };
  if (response.status !== 200 || body.items?.length === 0) {
    throw new Error(`expected jobs, got ${response.status}: ${JSON.stringify(body).slice(0, 300)}`);
  }
}
