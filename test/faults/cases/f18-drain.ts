import assert from 'node:assert/strict';
import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';

const drainSeconds = 3;

/** F18: SIGTERM while a task runs, with Redis alive, frozen and dead. */
export const faultCase: FaultCase = {
  promise:
    'SIGTERM lets running work end within its grace, hands the rest back, and ends the process, with Redis or without',
  smokeLimitMs: 120_000,
  async run(trial) {
    await using rig = await startRig(trial, { workers: 1, env: () => ({ DRAIN_SECONDS: String(drainSeconds) }) });
    for (const redis of ['alive', 'frozen', 'dead'] as const) {
      await drain(trial, rig, { redis, taskMs: 1_500, outcome: 'ends' });
    }
    await drain(trial, rig, { redis: 'dead', taskMs: 20_000, outcome: 'is handed back' });
    await dieWhileDraining(trial, rig);
    await checkInvariants(rig);
  },
};

async function drain(
  trial: Trial,
  rig: Rig,
  {
    outcome,
    redis,
    taskMs,
  }: { redis: 'alive' | 'frozen' | 'dead'; taskMs: number; outcome: 'ends' | 'is handed back' },
): Promise<void> {
  const worker = rig.worker();
  const id = await rig.submit({ tasks: [{ type: 'WITNESS', config: { ms: taskMs } }] });
  await rig.acting(id);
  if (redis === 'frozen') rig.redis.freeze();
  if (redis === 'dead') await rig.redis.kill();
  const exit = await worker.stop();
  const [task] = (await rig.job(id)).tasks;
  trial.log(`Redis ${redis}, ${taskMs} ms of work: exit ${exit}, ${task?.state} ${task?.error?.code ?? ''}`);
  assert.equal(exit, 0, worker.log.slice(-20).join('\n'));
  assert.equal(task?.crashes, 0, 'a drain is not a crash');
  assert.equal(task?.state, outcome === 'ends' ? 'SUCCEEDED' : 'PENDING');
  await rig.heal();
  if (outcome === 'is handed back') await rig.client.accept('POST', `/jobs/${id}/cancel`);
  await rig.settled([id]);
}

/** The grace is over before it began: what was in hand is recovered as from any other death. */
async function dieWhileDraining(trial: Trial, rig: Rig): Promise<void> {
  const worker = rig.worker();
  const id = await rig.submit({ tasks: [{ type: 'WITNESS', config: { ms: 2_000 } }] });
  await rig.acting(id);
  await worker.arm('drain.begun:kill');
  const exit = await worker.stop();
  assert.equal(exit, 'SIGKILL');
  await rig.heal();
  const [job] = await rig.settled([id]);
  trial.log(`killed while draining: ${job?.state} after ${job?.tasks[0]?.crashes} crash`);
  assert.equal(job?.state, 'SUCCEEDED', JSON.stringify(job));
  assert.equal(job?.tasks[0]?.crashes, 1);
}
