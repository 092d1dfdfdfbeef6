import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

/** Nothing is broken: what the oracle finds here is its own fault, and what it does not see it would not see elsewhere. */
export const faultCase: FaultCase = {
  promise: 'without a fault every invariant holds, and the witness sees every act',
  async run(trial) {
    const { random, scale } = trial;
    const jobs = scale === 'full' ? 200 : 20;
    await using rig = await startRig(trial, { controlPlanes: 2, workers: 2, targets: 2 });
    const everySecond = { cron_expression: '* * * * * *', timezone: 'UTC', misfire_policy: 'skip' };
    await rig.client.accept('POST', '/schedules', {
      body: { id: 'ticking', name: 'Ticking', ...everySecond, target_ids: ['db1'], tasks: ['WITNESS_LOOK'] },
    });
    let acts = 0;
    for (let count = 0; count < jobs; count += 1) {
      const type = random.pick(['WITNESS', 'WITNESS_ONCE', 'WITNESS_UNDO', 'WITNESS_LOOK']);
      const steps = random.between(1, 3);
      if (type !== 'WITNESS_LOOK') acts += steps;
      await rig.submit({ target: random.pick(rig.targets).id, tasks: [{ type, config: { ms: 20, steps } }] });
    }
    const ends = await rig.settled();
    const failed = ends.filter(({ state }) => state !== 'SUCCEEDED');
    if (failed.length > 0) throw new Error(`expected all jobs to succeed, got: ${JSON.stringify(failed)}`);
    await until('three ticks', async () => {
      const [row] = await rig.ledger<{ ticks: number }[]>`
        SELECT count(*)::int AS ticks FROM jobs WHERE schedule_id = 'ticking' AND state = 'SUCCEEDED'`;
      return (row?.ticks ?? 0) >= 3;
    });
    // Its last jobs are over before the oracle looks for open ones.
    await rig.client.accept('POST', '/schedules/ticking/disable');
    await until('the ticks to be over', async () => {
      const open = (await rig.jobs()).filter(({ state }) => ['PENDING', 'RUNNING'].includes(state));
      return open.length === 0;
    });
    await checkInvariants(rig);
    const seen = rig.witness().filter(({ statement }) => statement.startsWith('INSERT INTO witness.effects')).length;
    if (seen !== acts) throw new Error(`expected the witness to see ${acts} acts, it saw ${seen}`);
  },
};
