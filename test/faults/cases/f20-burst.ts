import { strict as assert } from 'node:assert';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { watchMemory } from '../observers/resident-memory.ts';

/** Requests at a time. */
const parallel = 8;
/** So many jobs of the burst may end while the urgent one is on its way: about what the workers do in a few seconds. */
const mostOvertaken = 100;

/**
 * F20: a burst of jobs on a few targets, as fast as the API takes them, and then one urgent job on another target, of the
 * same task type: its delivery is behind all of theirs.
 */
export const faultCase: FaultCase = {
  promise:
    'a burst does not keep an urgent job on another target from starting, and each target does one thing at a time',
  smokeLimitMs: 150_000,
  async run(trial) {
    const [burst, busyTargets] = trial.scale === 'full' ? [100_000, 20] : [600, 8];
    await using rig = await startRig(trial, { workers: 2, targets: busyTargets + 1, concurrency: 6 });
    const memory = watchMemory(rig.processes);
    const target_ids = rig.targets.slice(0, busyTargets).map(({ id }) => id);
    const work = { tasks: [{ type: 'WITNESS', config: { ms: 10 } }], schedule: { target_ids } };
    const begunAtMs = performance.now();
    let left = burst / busyTargets;
    await Promise.all(
      Array.from({ length: parallel }, async () => {
        while (left > 0) {
          left -= 1;
          await rig.submit(work);
        }
      }),
    );
    trial.report('jobs accepted per second', Math.round(burst / ((performance.now() - begunAtMs) / 1_000)));

    const [before] = await rig.ledger<
      [{ over: number }]
    >`SELECT count(*)::int AS over FROM jobs WHERE finished_at IS NOT NULL`;
    const urgent = await rig.submit({
      target: rig.target(busyTargets).id,
      tasks: [{ type: 'WITNESS', config: { ms: 10 } }],
    });
    const started = await until('the urgent job to start', () => startOf(rig, urgent), { limitMs: 90_000 });
    trial.report('the urgent job started after, seconds', started.waitedSeconds.toFixed(2));
    const overtaken = started.overBefore - before.over;
    trial.report('jobs of the burst that ended meanwhile', overtaken);
    for (const { name, firstMib, mostMib } of memory.figures())
      trial.report(`memory of ${name}, MiB`, `${firstMib} → ${mostMib}`);
    trial.report(
      'memory of Redis',
      /used_memory_peak_human:(\S+)/.exec(await rig.redis.client.info('memory'))?.[1] ?? '?',
    );
    assert(
      overtaken <= mostOvertaken,
      `the urgent job waited until ${overtaken} jobs of the burst were over, of ${burst - before.over} that were ahead of it`,
    );

    if (trial.scale === 'smoke') await cancelRest(rig);
    await checkInvariants(rig, { settleLimitMs: trial.scale === 'full' ? 3 * 3_600_000 : 60_000 });
    for (const { name, mostMib } of memory.figures()) trial.report(`memory of ${name} at most, MiB`, mostMib);
    memory.stop();
  },
};

/** When the job's task began, and how much of everything else was over then. Undefined = not yet. */
async function startOf({ ledger }: Rig, jobId: string) {
  const [row] = await ledger<{ waitedSeconds: number; overBefore: number }[]>`
    SELECT extract(epoch FROM tasks.started_at - jobs.scheduled_for)::float8 AS "waitedSeconds",
      (SELECT count(*)::int FROM jobs AS other WHERE other.finished_at < tasks.started_at) AS "overBefore"
    FROM jobs JOIN tasks ON tasks.scheduled_for = jobs.scheduled_for AND tasks.job_id = jobs.id
    WHERE jobs.id = ${jobId} AND tasks.started_at IS NOT NULL`;
  return row;
}

/** Asks for the end of all that has not begun, so that a smoke run need not do it. */
async function cancelRest(rig: Rig): Promise<void> {
  const waiting = await rig.ledger<{ id: string }[]>`SELECT id FROM jobs WHERE state = 'PENDING'`;
  const ids = waiting.map(({ id }) => id);
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (let id = ids.pop(); id !== undefined; id = ids.pop()) await rig.client.request('POST', `/jobs/${id}/cancel`);
    }),
  );
}
