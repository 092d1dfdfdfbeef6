import type { Benchmark } from '../harness/benchmark.ts';
import { calibrate } from '../harness/calibrate.ts';
import { type LoadFleet, startLoadFleet } from '../harness/load-fleet.ts';
import { spread } from '../harness/statistics.ts';
import { waitUntil } from '../harness/wait-until.ts';

const tasks = 12;

/** G17: from kill -9 of a worker in the middle of its tasks until each is begun anew or marked. */
export const benchmark: Benchmark = {
  title: 'Killed workers',
  async run(run) {
    const kills = run.quick ? 1 : 2;
    const leaseSeconds = run.quick ? 3 : 30;
    const fleet = await startLoadFleet(run, {
      workers: 1,
      concurrency: tasks,
      sessions: true,
      targets: tasks,
      databases: tasks,
      env: { LEASE_SECONDS: String(leaseSeconds) },
    });
    const seconds: number[] = [];
    const calibrationMs: number[] = [];
    let [victim] = fleet.workers;
    for (let kill = 0; kill < kills; kill += 1) {
      calibrationMs.push(calibrate());
      const jobs = await fleet.addJobs(tasks, (position) => ({
        targetId: `t${position + 1}`,
        tasks: [{ key: 'sleep', type: 'LOAD_SLEEP', config: { seconds: 8 }, needs: [] }],
      }));
      await fleet.release(jobs);
      await waitUntil('the intents', async () => (await fencesOf(fleet)).length === tasks);
      const successor = await fleet.startWorker();
      const before = new Map((await fencesOf(fleet)).map(({ id, fence }) => [id, fence]));
      victim?.kill('SIGKILL');
      const killed = performance.now();
      const open = new Set(before.keys());
      const look = async (): Promise<boolean> => {
        for (const { id, fence, state, intent } of await tasksOf(fleet, [...open])) {
          const isBegunAnew = fence !== before.get(id) && (intent || state !== 'RUNNING') && state !== 'PENDING';
          if (!isBegunAnew) continue;
          open.delete(id);
          seconds.push((performance.now() - killed) / 1000);
        }
        return open.size === 0;
      };
      await waitUntil('recovery', look, { limitMs: 60_000, everyMs: 50 });
      await fleet.whenOver(jobs);
      victim = successor;
    }
    const slowest = Math.max(...seconds);
    return {
      calibrationMs,
      rows: [
        {
          goal: 'G17',
          what: `the slowest of ${seconds.length} tasks in the hands of ${kills} killed workers`,
          unit: 's',
          product: { ...spread([slowest]), count: seconds.length },
          wanted: '≤ 45 s, none lost',
          met: slowest <= 45,
        },
        { goal: '', what: 'all of them', unit: 's', product: spread(seconds) },
      ],
      notes: [
        `Leases of ${leaseSeconds} s; a worker stands by. That none runs twice at once is for test/faults to prove, with its witness and its 100 kills.`,
      ],
    };
  },
};

async function fencesOf({ sql }: LoadFleet): Promise<{ id: string; fence: number }[]> {
  return await sql`SELECT id, fence::int FROM tasks WHERE state = 'RUNNING' AND intent_at IS NOT NULL`;
}

async function tasksOf({ sql }: LoadFleet, ids: string[]) {
  return await sql<{ id: string; fence: number; state: string; intent: boolean }[]>`
    SELECT id, fence::int, state, intent_at IS NOT NULL AS intent FROM tasks WHERE id = ANY(${ids}::uuid[])`;
}
