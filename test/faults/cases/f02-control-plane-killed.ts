import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

/** Where a control plane dies: in the request, or while it brings the work to Redis. */
const points = [
  'transaction.before_commit',
  'transaction.after_commit',
  'relay.before_add',
  'relay.after_add',
  'relay.before_delete',
  'relay.before_remove',
];

/** F2: kill -9 of the control plane around every commit and every relay; the client repeats its request under the same key. */
export const faultCase: FaultCase = {
  promise: 'a request that was answered, or repeated until it was, is done once, whenever the control plane dies',
  async run(trial) {
    await using rig = await startRig(trial, { workers: 1 });
    const work = { tasks: [{ type: 'WITNESS_ONCE', config: { ms: 20 } }] };
    await rig.scheduleOf(work);
    for (const point of trial.random.shuffled(points)) await dieAt(trial, rig, point, work);
    await checkInvariants(rig);
    const [row] = await rig.ledger<{ jobs: number }[]>`SELECT count(*)::int AS jobs FROM jobs`;
    assert.equal(row?.jobs, points.length, 'one job for each request, however often it was repeated');
  },
};

async function dieAt(trial: Trial, rig: Rig, point: string, work: Parameters<Rig['submit']>[0]): Promise<void> {
  const controlPlane = rig.controlPlane();
  await controlPlane.ready();
  const { lives } = controlPlane;
  await controlPlane.arm(`${point}:kill`);
  const key = randomUUID();
  const id = await rig.submit(work, key);
  await until(`the control plane to die at ${point}`, () => controlPlane.lives > lives);
  const again = await rig.submit(work, key);
  assert.equal(again, id, `the repeated request of ${point} is answered with the same job`);
  const [end] = await rig.settled([id]);
  trial.log(`${point}: ${end?.state}`);
  assert.equal(end?.state, 'SUCCEEDED', JSON.stringify(end));
}
