import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '@slacktide/domain';
import { executors } from '@slacktide/executors';
import type { ActFixture, ActSite } from '../acts/act-fixture.ts';
import { askedActs } from '../acts/asked-acts.ts';
import { indexActs } from '../acts/index-acts.ts';
import { retentionActs } from '../acts/retention-acts.ts';
import { endSessions, serverActs } from '../acts/server-acts.ts';
import { tableActs } from '../acts/table-acts.ts';
import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type JobEnd, type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

const lanes = 4;
const fixtures = [...indexActs, ...tableActs, ...retentionActs, ...serverActs, ...askedActs];
const types = [...new Set(fixtures.map(({ type }) => type))];
/** What is killed is the work that was meant: a type is served by one worker alone, and what prepares its work has its turn after it or before. */
const laneOf = (type: string): number => types.indexOf(type === 'ROLLBACK' ? 'INDEX_OPTIMIZE' : type) % lanes;
const tasksOf = (lane: number): readonly string[] => [
  ...types.filter((type) => laneOf(type) === lane),
  'DATABASE_CHECK',
];
const always = ['step.before', 'step.after'];
/** What only some work comes by: some fixture dies at each. */
const special = ['rollback.prepared', 'remnant.recorded', 'unit.over'];
const classOf = new Map(executors.map(({ taskType }) => [taskType.type, taskType.class]));

/** F1, for every task type that acts: kill -9 of its worker before and after its step, and where its own work has a point of no return. */
export const faultCase: FaultCase = {
  promise: 'every task type that acts, killed at its steps, ends as its class says: nothing left over, nothing twice',
  smokeLimitMs: 480_000,
  async run(trial) {
    const actors = executors.filter(({ taskType }) => taskType.access === 'act').map(({ taskType }) => taskType.type);
    assert.deepEqual(types.toSorted(), actors.toSorted(), 'a fixture each');
    for (const point of special)
      assert.ok(
        fixtures.some(({ points }) => points?.includes(point)),
        point,
      );
    const root = mkdtempSync(join(tmpdir(), 'slacktide-acts-'));
    try {
      await using rig = await startRig(trial, {
        workers: lanes,
        targets: fixtures.length,
        env: () => ({ CUSTOM_TASKS: 'on', FILE_ROOTS: root }),
        args: ({ kind, index }) => (kind === 'worker' ? ['--tasks', tasksOf(index).join()] : []),
      });
      const sites = new Map(
        fixtures.map((fixture, index) => [
          fixture,
          { rig, target: rig.target(index), folder: mkdtempSync(join(root, 'site-')) },
        ]),
      );
      const lane = async (index: number): Promise<void> => {
        for (const [fixture, site] of sites) {
          if (laneOf(fixture.type) !== index) continue;
          for (const point of pointsOf(fixture, trial)) await killAt(trial, fixture, site, point);
          await runUndisturbed(fixture, site);
          await endSessions(site.target.id);
        }
      };
      await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
      await nothingTwice(rig);
      await checkInvariants(rig);
    } finally {
      rmSync(root, { recursive: true });
    }
  },
};

/** A smoke run draws one of the two points that all have. */
function pointsOf({ points = [] }: ActFixture, trial: Trial): readonly string[] {
  return [...(trial.scale === 'full' ? always : trial.random.shuffled(always).slice(0, 1)), ...points];
}

async function killAt(trial: Trial, fixture: ActFixture, site: ActSite, point: string): Promise<void> {
  const { rig } = site;
  const what = `${fixture.name} at ${point}`;
  const worker = rig.worker(laneOf(fixture.type));
  await worker.ready();
  const config = await fixture.prepare(site);
  const [name, pass = '1'] = point.split('@');
  await worker.arm(`${name}:kill@${pass}`);
  const { lives } = worker;
  const id = await submit(fixture, site, config);
  await until(`the worker to die of ${what}`, async () => {
    if (worker.lives > lives) return true;
    throw new Error(`not killed: ${JSON.stringify(await rig.job(id))}`);
  });
  const [end] = await rig.settled([id]);
  assert.ok(end !== undefined);
  trial.log(`${what}: ${end.state}`);
  assert.ok(endsOf(fixture).includes(end.state), `${what}: ${JSON.stringify(end)}`);
  await expectUnharmed(what, fixture, site);
  const last = await settle(fixture, site, end);
  assert.equal(last.state, 'SUCCEEDED', `${what}: ${JSON.stringify(last)}`);
  assert.deepEqual(await fixture.amiss(site), [], what);
  await expectUnharmed(what, fixture, site);
}

/** How work of its class may end by itself. */
function endsOf({ type }: ActFixture): readonly string[] {
  const ends = {
    idempotent: ['SUCCEEDED'],
    compensable: ['SUCCEEDED', 'ROLLED_BACK'],
    never_retry: ['SUCCEEDED', 'NEEDS_OPERATOR'],
  };
  return ends[classOf.get(type) ?? 'never_retry'];
}

/** The next task of the kind does its work, and sweeps what waited for a person; nothing of the earlier ones is open after it. */
async function runUndisturbed(fixture: ActFixture, site: ActSite): Promise<void> {
  const { rig, target } = site;
  const end = await runOnce(fixture, site);
  assert.equal(end.state, 'SUCCEEDED', `${fixture.name}, undisturbed: ${JSON.stringify(end)}`);
  assert.deepEqual(await fixture.amiss(site), [], fixture.name);
  const open = await rig.ledger`SELECT kind, proof FROM remnants WHERE target_id = ${target.id} AND closed_at IS NULL`;
  assert.deepEqual([...open], [], `${fixture.name}: no remnant is open`);
}

async function runOnce(fixture: ActFixture, site: ActSite): Promise<JobEnd> {
  const config = await fixture.prepare(site);
  const [end] = await site.rig.settled([await submit(fixture, site, config)]);
  assert.ok(end !== undefined);
  return end;
}

async function submit(fixture: ActFixture, site: ActSite, config: JsonObject): Promise<string> {
  const { rig, target } = site;
  const tasks = [{ type: fixture.type, config }];
  const id = await (fixture.submit?.(site) ?? rig.submit({ target: target.id, tasks }));
  rig.accepted.add(id);
  return id;
}

/** However it ended. */
async function expectUnharmed(what: string, fixture: ActFixture, site: ActSite): Promise<void> {
  assert.deepEqual((await fixture.harmed?.(site)) ?? [], [], what);
}

/** Does what a person would: looks at the target, says so, and has the rest done; or asks for what was taken back once more. */
async function settle(fixture: ActFixture, site: ActSite, end: JobEnd): Promise<JobEnd> {
  const { rig } = site;
  if (end.state === 'SUCCEEDED') return end;
  if (end.state === 'ROLLED_BACK') return await runOnce(fixture, site);
  const [task] = end.tasks;
  assert.ok(task?.error?.code === 'outcome_unclear', JSON.stringify(end));
  const isDone = (await fixture.amiss(site)).length === 0;
  const outcome = isDone ? 'succeeded' : 'retry';
  if (!isDone) rig.retriedByOperator.add(task.id);
  rig.resolvedByOperator.add(task.id);
  await rig.client.accept('POST', `/tasks/${task.id}/resolve`, { body: { outcome, note: 'looked at the target' } });
  const [settled] = await rig.settled([end.id]);
  return settled ?? end;
}

/** No effect of work that must not be repeated is in the ledger twice, but where a person had it done again. */
async function nothingTwice(rig: Rig): Promise<void> {
  const once = [...classOf].filter(([, safety]) => safety === 'never_retry').map(([type]) => type);
  const twice = await rig.ledger`
    SELECT task_type, object, action, count(*)::int FROM effects
    WHERE task_type = ANY(${once}) AND job_id NOT IN (SELECT job_id FROM tasks WHERE id = ANY(${[...rig.retriedByOperator]}::uuid[]))
    GROUP BY job_id, 1, 2, 3 HAVING count(*) > 1`;
  assert.deepEqual([...twice], [], 'no effect is recorded twice');
}
