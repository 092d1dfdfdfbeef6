import { strict as assert } from 'node:assert';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { sharedServers } from '../harness/servers.ts';
import { until } from '../harness/until.ts';
import { whyNot } from '../injectors/host-tools.ts';
import { type IsolatedNetwork, type Lost, openIsolatedNetwork } from '../injectors/isolated-network.ts';
import { actsOn, type FencedAct } from '../observers/acts-of.ts';
import { type LeaseWatch, watchLeases } from '../observers/lease-watch.ts';

/** What one worker loses: the way to ledger and Redis, or the way to the targets. */
interface Cut {
  readonly from: 'ledger and Redis' | 'targets';
  readonly lost: Lost;
}

const everyCut: readonly Cut[] = (['both', 'requests', 'answers'] as const).flatMap((lost) => [
  { from: 'ledger and Redis', lost },
  { from: 'targets', lost },
]);
/** Longer than the lease, so that no task ends before its worker has to notice; and than the server's patience with a client that is silent. */
const msOf = { 'ledger and Redis': 9_000, targets: 20_000 } as const;
const tasksEach = ['WITNESS', 'WITNESS_ONCE'];

/**
 * F9: split brain, by packet loss in network namespaces. Each cut hits a worker of its own amid its tasks; a further worker
 * is cut off from nothing, and takes over while the cuts are still in place.
 */
export const faultCase: FaultCase = {
  promise: 'a worker cut off stops before its lease is over, and nobody begins beside its statement',
  smokeLimitMs: 150_000,
  cannotRun: () => whyNot('network namespaces'),
  async run(trial) {
    const halfOpen = trial.random.pick(
      everyCut.filter(({ from, lost }) => from === 'ledger and Redis' && lost !== 'both'),
    );
    const whole = everyCut.filter(({ lost }) => lost === 'both');
    const cuts = trial.scale === 'full' ? [...everyCut] : [...whole, halfOpen];
    const { ledger, targets } = await sharedServers();
    const networks: IsolatedNetwork[] = [];
    let redisPort = 0;
    try {
      await using rig = await startRig(trial, {
        targets: cuts.length * tasksEach.length,
        workers: cuts.length + 1,
        concurrency: tasksEach.length,
        prepare: async (made) => {
          redisPort = made.redisPort;
          for (const _ of cuts) networks.push(await openIsolatedNetwork([ledger.port, targets.port, redisPort]));
        },
        command: ({ kind, index }) => (kind === 'worker' ? (networks[index]?.enter ?? []) : []),
        host: ({ kind, index }) => (kind === 'worker' ? networks[index]?.address : undefined) ?? '127.0.0.1',
        env: ({ kind, index }) => {
          const address = kind === 'worker' ? networks[index]?.address : undefined;
          return address === undefined ? {} : { METRICS_HOST: address };
        },
      });
      const watch = watchLeases(rig.ledger);
      // The first ones wait for the others to start: those with the longest acts.
      cuts.sort((a, b) => b.from.localeCompare(a.from));
      const jobs = await occupyEach(rig, cuts);
      const cutAtMs = Date.now();
      await Promise.all(
        cuts.map(async ({ from, lost }, index) => {
          const ports = from === 'targets' ? [targets.port] : [ledger.port, redisPort];
          await networks[index]?.cut(ports, lost);
          trial.log(`worker ${index + 1} cut off from ${from}: ${lost} lost`);
        }),
      );
      const rescuer = rig.worker(cuts.length);
      rescuer.start();
      await rescuer.ready();
      // Others want the same targets, which only look free.
      const next = await Promise.all(
        rig.targets.map(({ id }) => rig.submit({ target: id, tasks: [{ type: 'WITNESS', config: { ms: 100 } }] })),
      );
      // A worker without a way to its targets goes on taking what others could do: that cut is healed once it has shown its effect.
      await Promise.all(
        cuts.map(async ({ from }, index) => {
          if (from !== 'targets') return;
          await until('the targets to end the acts of a worker they cannot reach', () =>
            targetsOf(rig, index).every((id) => actsOn(rig, id)[0]?.endedAtMs !== Infinity),
          );
          await networks[index]?.heal();
        }),
      );
      const reachable = cuts.flatMap(({ from }, index) => (from === 'targets' ? [] : (jobs[index] ?? [])));
      await rig.settled(reachable);
      trial.log('what workers cut off from the ledger had is over while they are cut off');
      await watch.stop();
      const stopped = cuts.flatMap((cut, index) =>
        cut.from === 'targets' ? [] : stoppedInTime(rig, watch, { cut, cutAtMs, targetIds: targetsOf(rig, index) }),
      );
      assert(stopped.length > 0, 'expected an act that was at work when its worker was cut off');
      await Promise.all(networks.map((network) => network.heal()));
      await rig.settled([...jobs.flat(), ...next]);
      for (const job of await rig.jobs(next)) {
        // A worker that was cut off from its targets may have taken it, and said that it could not get there.
        const lostItsWay = job.state === 'FAILED' && job.tasks[0]?.error?.code === 'unreachable';
        assert(job.state === 'SUCCEEDED' || lostItsWay, `what came next ended as ${JSON.stringify(job)}`);
      }
      await checkInvariants(rig);
    } finally {
      await Promise.all(networks.map((network) => network.close()));
    }
  },
};

/** The targets whose tasks the worker of that index has. */
function targetsOf(rig: Rig, index: number): readonly string[] {
  return tasksEach.map((_, task) => rig.target(index * tasksEach.length + task).id);
}

/** Starts the workers to be cut one after the other, each with as many tasks as it takes, so that each has its own. */
async function occupyEach(rig: Rig, cuts: readonly Cut[]): Promise<readonly (readonly string[])[]> {
  await Promise.all(rig.workers.map((worker) => worker.kill({ andStay: 'dead' })));
  const jobs: (readonly string[])[] = [];
  for (const [index, { from }] of cuts.entries()) {
    const worker = rig.worker(index);
    worker.start();
    await worker.ready();
    const mine = await Promise.all(
      targetsOf(rig, index).map((target, task) =>
        rig.submit({ target, tasks: [{ type: tasksEach[task] ?? 'WITNESS', config: { ms: msOf[from] } }] }),
      ),
    );
    await Promise.all(mine.map((id) => rig.acting(id)));
    jobs.push(mine);
  }
  return jobs;
}

/** Promise 4: what the cut-off worker had at work was over when its lease was. Returns the acts that this was seen of. */
function stoppedInTime(
  rig: Rig,
  watch: LeaseWatch,
  { cut: { lost }, cutAtMs, targetIds }: { cut: Cut; cutAtMs: number; targetIds: readonly string[] },
): readonly FencedAct[] {
  return targetIds.flatMap((targetId) => {
    const [first] = actsOn(rig, targetId);
    assert(first !== undefined, `${targetId} saw no act`);
    if (first.endedAtMs <= cutAtMs) return [];
    assert.notEqual(first.end, 'done', `${targetId}: the act of the worker cut off was not stopped`);
    const lastedUntilMs = watch.lastedUntilMs(targetId, first.fence);
    assert(lastedUntilMs !== undefined, `${targetId}: the lease of fence ${first.fence} was never seen`);
    const spareMs = lastedUntilMs - first.endedAtMs;
    rig.trial.report(`${lost} lost: its act was over before its lease, milliseconds`, spareMs);
    assert(
      spareMs >= 0,
      `${targetId}: the act of a worker cut off (${lost} lost) outlived its lease by ${-spareMs} ms`,
    );
    return [first];
  });
}
