import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

/** Where the control plane dies while it works on its own, and what makes it come there. */
const points = [
  { name: 'tick.before_commit', by: 'ticking' },
  { name: 'tick.after_commit', by: 'ticking' },
  { name: 'reconcile.before_rebuild', by: 'FLUSHALL' },
  { name: 'reconcile.after_rebuild', by: 'FLUSHALL' },
  { name: 'reconcile.before_remove', by: 'strays' },
  { name: 'seal.before_commit', by: 'ticking' },
] as const;

/** F2, of the dispatcher and the reconciler: killed around each commit that no request asked for. */
export const faultCase: FaultCase = {
  promise: 'a dispatcher or reconciler killed at any step: no tick is left out or doubled, no job is lost',
  async run(trial) {
    await using rig = await startRig(trial, { workers: 1, targets: 2 });
    await rig.client.accept('POST', '/schedules', {
      body: {
        id: 'ticking',
        name: 'Ticking',
        cron_expression: '* * * * * *',
        target_ids: ['db2'],
        tasks: [{ type: 'WITNESS_LOOK', config: { ms: 0 } }],
        misfire_policy: 'skip',
      },
    });
    for (const point of trial.random.shuffled(points)) await dieAt(trial, rig, point);
    await rig.client.accept('POST', '/schedules/ticking/disable');
    await until('the ticks to be over', async () => {
      const open = (await rig.jobs()).filter(({ state }) => ['PENDING', 'RUNNING'].includes(state));
      return open.length === 0;
    });
    await checkInvariants(rig);
  },
};

async function dieAt(trial: Trial, rig: Rig, { by, name }: (typeof points)[number]): Promise<void> {
  const controlPlane = rig.controlPlane();
  await controlPlane.ready();
  const { lives } = controlPlane;
  const running = await rig.submit({ tasks: [{ type: 'WITNESS_ONCE', config: { ms: 1_000 } }] });
  const waiting = await rig.submit({ tasks: [{ type: 'WITNESS', config: { ms: 0 } }] });
  await rig.acting(running);
  await controlPlane.arm(`${name}:kill`);
  if (by === 'FLUSHALL') await rig.redis.flushAll();
  if (by === 'strays') await plantStray(rig);
  await until(`the control plane to die at ${name}`, () => controlPlane.lives > lives, { limitMs: 40_000 });
  await rig.settled([running, waiting]);
  trial.log(`died at ${name}`);
}

/** The root of a flow whose job the ledger does not know, as an older Redis may bring it back. */
async function plantStray({ redis: { client }, redisPrefix }: Rig): Promise<void> {
  const id = '00000000-0000-7000-8000-000000000000-1';
  const key = `${redisPrefix}:finalise:${id}`;
  const data = JSON.stringify({ jobId: id.slice(0, -2), generation: 1 });
  await client.hset(key, { name: 'finalise', data, opts: '{}', timestamp: '1', delay: '0', priority: '0' });
  await client.zadd(`${redisPrefix}:finalise:delayed`, Date.now() * 4096 * 2, id);
}
