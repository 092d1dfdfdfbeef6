import assert from 'node:assert/strict';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';
import { maintainer } from '../harness/servers.ts';
import { until } from '../harness/until.ts';

/** F8: the target's server crashes in the middle of a statement, and later has no connection to give. */
export const faultCase: FaultCase = {
  promise:
    'a target that crashes or refuses fails the task with its reason and frees the target; work that must not be repeated is not',
  async run(trial) {
    await using rig = await startRig(trial, { targets: 3 });
    const types = ['WITNESS', 'WITNESS_ONCE', 'WITNESS_UNDO'];
    const ids = await Promise.all(
      types.map((type, index) =>
        rig.submit({ target: rig.target(index).id, tasks: [{ type, config: { ms: 5_000 } }] }),
      ),
    );
    for (const id of ids) await rig.acting(id);
    await rig.servers.targets.crash();
    await rig.servers.targets.start();
    const ends = await rig.settled(ids);
    trial.log(
      `crashed mid-statement: ${ends.map(({ tasks: [task] }) => `${task?.type} ${task?.state} ${task?.error?.code ?? ''}`).join(', ')}`,
    );
    assert.notEqual(ends[1]?.state, 'SUCCEEDED', 'its statement was cut short');

    // No connection to be had.
    const admin = rig.target().sql;
    await admin.query(`ALTER ROLE ${maintainer} CONNECTION LIMIT 0`);
    const refused = await rig.submit({ target: 'db1', tasks: [{ type: 'WITNESS' }] });
    const reason = await until('the refusal to be told', async () => {
      const { tasks } = await rig.job(refused);
      return tasks[0]?.state === 'FAILED' ? tasks[0].error : undefined;
    }).finally(() => admin.query(`ALTER ROLE ${maintainer} CONNECTION LIMIT -1`));
    trial.log(`no connections left: ${reason?.code}: ${reason?.message}`);

    // The targets are free again for whoever comes next.
    const next = await Promise.all(
      rig.targets.map(({ id }) => rig.submit({ target: id, tasks: [{ type: 'WITNESS' }] })),
    );
    for (const job of await rig.settled(next)) assert.equal(job.state, 'SUCCEEDED', JSON.stringify(job));
    await checkInvariants(rig);
  },
};
