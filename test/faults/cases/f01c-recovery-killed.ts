import assert from 'node:assert/strict';
import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

/** Where whoever recovers dies in turn, of what class the work is that leads there, and what becomes of it in the end. */
const points = [
  { name: 'recovery.taken_over', type: 'WITNESS', end: 'SUCCEEDED' },
  { name: 'recovery.before_redrive', type: 'WITNESS', end: 'SUCCEEDED' },
  { name: 'recovery.after_redrive', type: 'WITNESS', end: 'SUCCEEDED' },
  { name: 'recovery.before_settle', type: 'WITNESS_ONCE', end: 'NEEDS_OPERATOR' },
  { name: 'recovery.after_settle', type: 'WITNESS_UNDO', end: 'ROLLED_BACK' },
] as const;

/** F1, once more: the worker that recovers another's work is killed at each step of doing so. */
export const faultCase: FaultCase = {
  promise: 'whoever recovers the work of a dead worker may die too, at any step',
  async run(trial) {
    const chosen = trial.scale === 'full' ? points : trial.random.shuffled(points).slice(0, 2);
    await using rig = await startRig(trial, { workers: 2 });
    for (const point of chosen) await killRecovery(trial, rig, point);
    await checkInvariants(rig);
  },
};

async function killRecovery(trial: Trial, rig: Rig, { end, name, type }: (typeof points)[number]): Promise<void> {
  await Promise.all(rig.workers.map((worker) => worker.ready()));
  const [first, second] = rig.workers.map((worker) => worker.lives);
  const id = await rig.submit({ tasks: [{ type, config: { ms: 2_000 } }] });
  await rig.acting(id);
  // Whoever has it dies; whoever has not is alone until it is dead too.
  await Promise.all(rig.workers.map((worker) => worker.kill()));
  await Promise.all(rig.workers.map((worker) => worker.ready().then(() => worker.arm(`${name}:kill`))));
  await until(
    `a worker to die at ${name}`,
    () => rig.worker(0).lives > (first ?? 0) + 1 || rig.worker(1).lives > (second ?? 0) + 1,
  );
  const [job] = await rig.settled([id]);
  trial.log(`${name}: ${type} ${job?.state}`);
  assert.equal(job?.state, end, JSON.stringify(job));
  await Promise.all(rig.workers.map((worker) => worker.ready().then(() => worker.arm(''))));
}
