import { strict as assert } from 'node:assert';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { previousRelease, whyNoPreviousRelease } from '../injectors/previous-release.ts';

/** Index of the release among control planes and among workers. */
const [ofNow, ofBefore] = [0, 1];
const known = ['STATISTICS_UPDATE', 'METRICS_COLLECTION', 'CHECKPOINT', 'MVCC_CLEANUP', 'INDEX_REBUILD'];
const onlyNow = 'WITNESS';

/**
 * F16: the previous release works beside this one on a ledger that this one has migrated; then it is drained away under
 * load; then, as a drill, it comes back and this one is drained away.
 */
export const faultCase: FaultCase = {
  promise: 'the previous release and this one run together, and a drain in either direction loses nothing',
  smokeLimitMs: 150_000,
  cannotRun: whyNoPreviousRelease,
  async run(trial) {
    const jobsEach = trial.scale === 'full' ? 60 : 6;
    const before = await previousRelease();
    await using rig = await startRig(trial, {
      controlPlanes: 2,
      workers: 2,
      targets: 3,
      concurrency: 1,
      checkout: ({ index }) => (index === ofBefore ? before : undefined),
    });
    const pids = rig.workers.map(({ pid }) => pid);

    await workTogether(rig, jobsEach);
    trial.log('both releases ran jobs of both');
    await readEachOther(rig);
    await unknownTypesAreLeft(rig, pids[ofBefore] ?? 0);

    const load = submitKnown(rig, jobsEach);
    await drain(rig, ofBefore);
    await rig.settled(await load);
    trial.log('the previous release is drained away');

    rig.worker(ofBefore).start();
    rig.controlPlane(ofBefore).start();
    await Promise.all([rig.worker(ofBefore).ready(), rig.controlPlane(ofBefore).ready()]);
    const backwards = submitKnown(rig, jobsEach);
    await drain(rig, ofNow);
    await rig.settled(await backwards);
    await rig.settled(await submitKnown(rig, jobsEach));
    trial.log('the previous release does the work alone');
    const ended = await rig.jobs();
    assert.deepEqual(
      ended.filter(({ state }) => state !== 'SUCCEEDED'),
      [],
      'what a deployment touches succeeds all the same',
    );
    await checkInvariants(rig);
  },
};

async function submitKnown(rig: Rig, count: number): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    ids.push(
      await rig.submit({
        target: rig.trial.random.pick(rig.targets).id,
        tasks: [{ type: rig.trial.random.pick(known) }],
      }),
    );
  }
  return ids;
}

/** SIGTERM to both processes of a release, as a deployment does; they end by themselves. */
async function drain(rig: Rig, release: number): Promise<void> {
  const ends = await Promise.all([rig.worker(release).stop(), rig.controlPlane(release).stop()]);
  assert.deepEqual(ends, [0, 0], 'worker and control plane end in peace');
}

/** Jobs made by either control plane, until either worker has run some. */
async function workTogether(rig: Rig, jobsEach: number): Promise<void> {
  await until('either worker to have run a job', async () => {
    await rig.settled(await submitKnown(rig, jobsEach));
    const rows = await rig.ledger<
      { worker: string }[]
    >`SELECT DISTINCT worker_id AS worker FROM tasks WHERE worker_id IS NOT NULL`;
    return rig.workers.every(({ pid }) => rows.some(({ worker }) => worker.includes(`-${pid}-`)));
  });
}

/** Every page of jobs and schedules can be read at both, and says the same jobs. */
async function readEachOther(rig: Rig): Promise<void> {
  const idsAt = async (at: number, path: string): Promise<readonly string[]> => {
    const { status, body, text } = await rig.client.request('GET', path, { at });
    assert.equal(status, 200, `${rig.controlPlane(at).name} answers ${status} to ${path}: ${text}`);
    return (body as { items: { id: string }[] }).items.map(({ id }) => id);
  };
  for (const path of ['/jobs?limit=100', '/schedules?limit=100', '/targets?limit=100']) {
    assert.deepEqual(await idsAt(ofBefore, path), await idsAt(ofNow, path));
  }
}

/** A job with a task type that only this release has: made here, seen there, done by the worker of this release alone. */
async function unknownTypesAreLeft(rig: Rig, pidBefore: number): Promise<void> {
  const id = 'only-now';
  const tasks = [{ type: onlyNow, config: { ms: 50 } }];
  const body = {
    id,
    name: id,
    cron_expression: '0 0 1 1 *',
    enabled: false,
    target_ids: rig.targets.map((target) => target.id),
    tasks,
  };
  const made = await rig.client.request('POST', '/schedules', { at: ofNow, body });
  assert.equal(made.status, 201, made.text);
  const run = await rig.client.request('POST', `/schedules/${id}/run`, { at: ofNow });
  assert.equal(run.status, 202, run.text);
  const ids = (run.body as { jobs: { id: string }[] }).jobs.map((job) => job.id);
  for (const jobId of ids) {
    rig.accepted.add(jobId);
    const seen = await rig.client.request('GET', `/jobs/${jobId}`, { at: ofBefore });
    assert.equal(
      seen.status,
      200,
      `the previous release answers ${seen.status} to a job it does not know the type of: ${seen.text}`,
    );
  }
  for (const { state } of await rig.settled(ids)) assert.equal(state, 'SUCCEEDED');
  const rows = await rig.ledger<{ worker: string }[]>`SELECT worker_id AS worker FROM tasks WHERE type = ${onlyNow}`;
  for (const { worker } of rows)
    assert(!worker.includes(`-${pidBefore}-`), 'the previous release ran what it does not know');
}
