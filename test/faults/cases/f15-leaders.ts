import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { gatherEvidence } from '../harness/oracle/evidence.ts';
import { everyTickHasOneJob } from '../harness/oracle/ticks.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { catchLeader } from '../observers/leader.ts';

const schedules = [
  { id: 'every-second', cron_expression: '* * * * * *', overlap_policy: 'allow' },
  { id: 'every-second-skipping', cron_expression: '* * * * * *', overlap_policy: 'skip' },
  { id: 'every-third', cron_expression: '*/3 * * * * *', overlap_policy: 'queue' },
];

/**
 * F15: three control planes and four workers under ticking schedules, while whoever leads is killed in the middle of its
 * leading, again and again, sometimes together with another one; all come back.
 */
export const faultCase: FaultCase = {
  promise: 'one run per tick, with any number of control planes and whoever of them dies',
  async run(trial) {
    const kills = trial.scale === 'full' ? 40 : 4;
    await using rig = await startRig(trial, { controlPlanes: 3, workers: 4, targets: 2 });
    const target_ids = rig.targets.map(({ id }) => id);
    const tasks = [{ type: 'WITNESS_LOOK', config: { ms: 20 } }];
    for (const schedule of schedules) {
      await rig.client.accept('POST', '/schedules', { body: { name: schedule.id, target_ids, tasks, ...schedule } });
    }
    const failoversMs: number[] = [];
    let leadersCaught = 0;
    for (let count = 1; count <= kills; count += 1) {
      await sleep(trial.random.between(0, 1_500));
      const caught = await catchLeader(rig);
      if (caught !== undefined) leadersCaught += 1;
      const leader = caught ?? trial.random.pick(rig.controlPlanes);
      const other = trial.random.pick(rig.controlPlanes.filter((process) => process !== leader));
      const both = trial.random.next() < 0.3;
      const killedAt = await ledgerNow(rig);
      await Promise.all([leader.kill(), both ? other.kill() : undefined]);
      failoversMs.push(await untilNextTick(rig, killedAt));
      trial.log(`killed ${leader.name}${both ? ` and ${other.name}` : ''}; next tick ${failoversMs.at(-1)} ms later`);
    }
    trial.report('longest time to the next tick after the leader died, milliseconds', Math.max(...failoversMs));
    await until('every control plane to be back', async () => {
      await Promise.all(rig.controlPlanes.map((process) => process.ready()));
      return true;
    });
    await until(
      'every tick to have its row',
      async () => (await everyTickHasOneJob(await gatherEvidence(rig))).length === 0,
      {
        limitMs: 20_000,
      },
    ).catch(() => undefined);
    assert.deepEqual(await everyTickHasOneJob(await gatherEvidence(rig)), []);
    for (const { id } of schedules) await rig.client.accept('POST', `/schedules/${id}/disable`);
    const all = await rig.ledger<{ id: string }[]>`SELECT id FROM jobs`;
    trial.report('ticks with a row', all.length);
    trial.report('killed while it led', `${leadersCaught} of ${kills}`);
    await rig.settled(all.map(({ id }) => id));
    await checkInvariants(rig);
  },
};

async function ledgerNow({ ledger }: Rig): Promise<Date> {
  const [{ now }] = await ledger<[{ now: Date }]>`SELECT clock_timestamp() AS now`;
  return now;
}

/** Waits until a tick is written that came due after that moment, and tells how long after. In milliseconds. */
async function untilNextTick({ ledger }: Rig, after: Date): Promise<number> {
  return await until('a tick after the leader died', async () => {
    const [row] = await ledger<{ at: Date }[]>`
      SELECT min(audit_events.at) AS at FROM jobs JOIN audit_events ON entity_id = jobs.id::text AND action LIKE 'job.%'
      WHERE jobs.scheduled_for > ${after} AND trigger = 'schedule' HAVING count(*) > 0`;
    return row && row.at.getTime() - after.getTime();
  });
}
