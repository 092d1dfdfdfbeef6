import type { NewJob } from '@slacktide/application/ports';
import postgres from 'postgres';
import { withDatabase } from '../../support/postgres.ts';
import type { Benchmark } from '../harness/benchmark.ts';
import { calibrate } from '../harness/calibrate.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { quantile, spread } from '../harness/statistics.ts';
import { waitUntil } from '../harness/wait-until.ts';

const databases = 4;

/** G19: from the request to cancel until the statement on the target is over. */
export const benchmark: Benchmark = {
  title: 'Cancelling',
  async run(run) {
    const rounds = run.quick ? 1 : 30;
    const fleet = await startLoadFleet(run, {
      workers: 1,
      concurrency: databases,
      sessions: true,
      targets: databases,
      databases,
    });
    const watch = postgres(withDatabase(run.services.postgresUrl, 'postgres'), { max: 2 });
    run.cleanUp.defer(() => watch.end({ timeout: 5 }));
    const taken: number[] = [];
    const answered: number[] = [];
    const calibrationMs: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      calibrationMs.push(calibrate());
      const jobs = await fleet.addJobs(databases, (position) => ({
        targetId: `t${position + 1}`,
        tasks: [{ key: 'sleep', type: 'LOAD_SLEEP', config: { seconds: 60 }, needs: [] }],
      }));
      await fleet.release(jobs);
      await waitUntil('the statements', async () => (await sleeping(watch)).length === databases);
      for (const job of jobs) {
        const before = await sleeping(watch);
        const started = performance.now();
        await cancel(fleet, job);
        answered.push(performance.now() - started);
        const isOver = async (): Promise<boolean> => (await sleeping(watch)).length < before.length;
        await waitUntil('the statement’s end', isOver, { everyMs: 2, limitMs: 30_000 });
        taken.push(performance.now() - started);
      }
      await fleet.whenOver(jobs);
    }
    const p99 = quantile(taken, 0.99);
    return {
      calibrationMs,
      rows: [
        {
          goal: 'G19',
          what: `p99 of ${taken.length} cancels`,
          unit: 'ms',
          product: { ...spread([p99]), count: taken.length },
          wanted: '≤ 500 ms',
          met: p99 <= 500,
        },
        { goal: '', what: 'all of them', unit: 'ms', product: spread(taken) },
        { goal: '', what: 'of it, the answer of the API', unit: 'ms', product: spread(answered) },
      ],
      notes: [
        `POST /jobs/{id}/cancel of a task that another process has at \`pg_sleep(60)\` on its target, until pg_stat_activity no longer shows it, looked at every 2 ms; ${databases} tasks in hand, cancelled one after the other.`,
      ],
    };
  },
};

async function sleeping(sql: postgres.Sql): Promise<readonly unknown[]> {
  return await sql`SELECT pid FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(%'`;
}

async function cancel({ url, headers }: LoadFleet, { id }: NewJob): Promise<void> {
  const response = await fetch(`${url}/api/v1/maintenance/jobs/${id}/cancel`, { method: 'POST', headers });
  const text = await response.text();
  if (response.status !== 202) throw new Error(`expected 202, got ${response.status}: ${text}`);
}
