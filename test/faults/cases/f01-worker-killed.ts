import assert from 'node:assert/strict';
import { expectEnds } from '../harness/expect-ends.ts';
import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type JobEnd, type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

/** Where a worker dies, and whether anything may have been done on the target by then. */
const points = [
  { name: 'claim.before', done: 'nothing' },
  { name: 'claim.after', done: 'nothing' },
  { name: 'lease.acquired', done: 'nothing' },
  { name: 'session.locked', done: 'nothing' },
  { name: 'session.opened', done: 'nothing' },
  { name: 'intent.before', done: 'nothing' },
  { name: 'intent.after', done: 'unclear' },
  { name: 'step.before', done: 'unclear' },
  { name: 'renewal.before', done: 'unclear' },
  { name: 'step.after', done: 'unclear' },
  { name: 'outcome.before', done: 'unclear' },
  { name: 'outcome.after', done: 'recorded' },
  { name: 'delivery.before_complete', done: 'recorded' },
] as const;
type Point = (typeof points)[number];

/** Longer than a third of a lease, so that a renewal comes in between. */
const longerThanRenewalMs = 1_500;
const types = ['WITNESS', 'WITNESS_ONCE', 'WITNESS_UNDO', 'WITNESS_LOOK'] as const;

/** F1: kill -9 of a worker at each step of its protocol, for each class of work. */
export const faultCase: FaultCase = {
  promise:
    'a worker killed at any step: only idempotent work is done again, the rest is rolled back or waits for a person',
  smokeLimitMs: 180_000,
  async run(trial) {
    const always = ['outcome.before'];
    const drawn = trial.random.shuffled(points).slice(0, 1);
    const chosen =
      trial.scale === 'full' ? points : points.filter((point) => always.includes(point.name) || drawn.includes(point));
    // One task a worker: each dies of its own.
    await using rig = await startRig(trial, { workers: types.length, targets: types.length, concurrency: 1 });
    for (const point of trial.random.shuffled(chosen)) await killAt(trial, rig, point);
    await killMidStatement(trial, rig);
    await checkInvariants(rig);
    await askPerson(trial, rig);
    await checkInvariants(rig);
  },
};

async function killAt(trial: Trial, rig: Rig, point: Point): Promise<void> {
  await Promise.all(rig.workers.map((worker) => worker.ready()));
  await Promise.all(rig.workers.map((worker) => worker.arm(`${point.name}:kill`)));
  const lives = rig.workers.map((worker) => worker.lives);
  const ms = point.name === 'renewal.before' ? longerThanRenewalMs : 50;
  const tells = trial.random.next() < 0.5;
  const ids = await Promise.all(
    types.map((type, index) => rig.submit({ target: rig.target(index).id, tasks: [{ type, config: { ms, tells } }] })),
  );
  await until(`a worker to die at ${point.name}`, () =>
    rig.workers.some((worker, index) => worker.lives > (lives[index] ?? 0)),
  );
  // The others may never come by it, e.g. when the first to be started again took their task; they must not meet it in a later round.
  const ends = await rig.settled(ids);
  const died = rig.workers.filter((worker, index) => worker.lives > (lives[index] ?? 0)).length;
  await Promise.all(rig.workers.map((worker) => worker.ready().then(() => worker.arm(''))));
  trial.log(`${point.name}: ${died} workers died, ${ends.map(({ state }) => state).join(' ')}`);
  expectEnds(ends, (job) => allowedEnds(job, point, tells));
}

/** What may become of a witness job whose worker died at the point, by its class. */
function allowedEnds(job: JobEnd, { done }: Point, tells: boolean): readonly string[] {
  const [task] = job.tasks;
  assert.ok(task !== undefined);
  // Whoever met the point twice is quarantined.
  if (task.crashes > 1) return ['FAILED'];
  if (done !== 'unclear') return ['SUCCEEDED'];
  if (task.type === 'WITNESS_ONCE') return ['SUCCEEDED', 'NEEDS_OPERATOR'];
  if (task.type === 'WITNESS_UNDO') return tells ? ['SUCCEEDED', 'ROLLED_BACK'] : ['ROLLED_BACK', 'SUCCEEDED'];
  return ['SUCCEEDED'];
}

/** No failpoint is within a statement: the kill comes from outside while the target is at work. */
async function killMidStatement(trial: Trial, rig: Rig): Promise<void> {
  await Promise.all(rig.workers.map((worker) => worker.ready()));
  const ids = await Promise.all(
    types.map((type, index) => rig.submit({ target: rig.target(index).id, tasks: [{ type, config: { ms: 4_000 } }] })),
  );
  await Promise.all(ids.map((id) => rig.acting(id)));
  await Promise.all(rig.workers.map((worker) => worker.kill()));
  const ends = await rig.settled(ids);
  trial.log(`mid-statement: ${ends.map(({ state }) => state).join(' ')}`);
  const [act, once, undo, look] = ends.map(({ state }) => state);
  assert.deepEqual(
    { act, once, undo, look },
    { act: 'SUCCEEDED', once: 'NEEDS_OPERATOR', undo: 'ROLLED_BACK', look: 'SUCCEEDED' },
  );
}

/** What waits for a person ends as the person says. */
async function askPerson(trial: Trial, rig: Rig): Promise<void> {
  const unclear = (await rig.jobs()).filter(({ state }) => state === 'NEEDS_OPERATOR');
  assert.ok(unclear.length > 0, 'expected work of an unclear outcome');
  const ends = { retry: 'SUCCEEDED', succeeded: 'SUCCEEDED', failed: 'FAILED', rolled_back: 'ROLLED_BACK' } as const;
  for (const [index, job] of unclear.entries()) {
    const outcome = (Object.keys(ends) as (keyof typeof ends)[])[index % 4] ?? 'retry';
    const [task] = job.tasks;
    assert.ok(task?.error?.code === 'outcome_unclear', JSON.stringify(job));
    if (outcome === 'retry') rig.retriedByOperator.add(task.id);
    rig.resolvedByOperator.add(task.id);
    await rig.client.accept('POST', `/tasks/${task.id}/resolve`, { body: { outcome, note: 'looked at the target' } });
    const [end] = await rig.settled([job.id]);
    trial.log(`a person said ${outcome}: ${end?.state}`);
    assert.equal(end?.state, ends[outcome], JSON.stringify(end));
  }
}
