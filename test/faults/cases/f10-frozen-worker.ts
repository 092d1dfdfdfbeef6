import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';
import { freezeProcess } from '../injectors/frozen-process.ts';
import { historyOf } from '../observers/job-history.ts';

const leaseSeconds = 3;
/** The issue's number: so many lives of a lease does it stand still. */
const frozenLives = 3;

/** One task of each class, and one whose statement is not over when its successor looks. */
const works = [
  { type: 'WITNESS', config: { ms: 1_500, tells: true } },
  { type: 'WITNESS', config: { ms: 60_000 }, time_limit_seconds: 300 },
  { type: 'WITNESS_ONCE', config: { ms: 1_500 } },
  { type: 'WITNESS_UNDO', config: { ms: 1_500 } },
] as const;

/**
 * F10: a worker stands still (SIGSTOP) amid its tasks for three lives of a lease, and then goes on as if nothing had been.
 * Its sessions on the targets stay open all that time, one with its statement at work.
 */
export const faultCase: FaultCase = {
  promise: 'a worker frozen for three lease lives changes nothing that its successor did',
  async run(trial) {
    const rounds = trial.scale === 'full' ? 5 : 1;
    await using rig = await startRig(trial, {
      targets: works.length,
      workers: 2,
      concurrency: works.length,
      leaseSeconds,
    });
    const [frozenWorker, successor] = [rig.worker(0), rig.worker(1)];
    for (let round = 1; round <= rounds; round += 1) {
      await successor.kill({ andStay: 'dead' });
      const jobIds = await Promise.all(
        works.map((task, index) => rig.submit({ target: rig.target(index).id, tasks: [task] })),
      );
      await Promise.all(jobIds.map((id) => rig.acting(id)));
      await sleep(trial.random.between(0, 1_000));
      const frozen = await freezeProcess(frozenWorker.pid);
      trial.log(`worker frozen amid ${jobIds.length} tasks`);
      successor.start();
      await successor.ready();
      await sleep(frozenLives * leaseSeconds * 1_000);

      // The long one is begun again after its statement was cancelled, and has only to be found at work.
      const short = jobIds.filter((_, index) => index !== 1);
      await rig.settled(short);
      const states = (await rig.jobs(short)).flatMap(({ tasks }) => tasks.map(({ type, state }) => `${type} ${state}`));
      trial.log(`its successor made of them: ${states.join(', ')}`);
      assert.deepEqual(states.sort(), ['WITNESS SUCCEEDED', 'WITNESS_ONCE NEEDS_OPERATOR', 'WITNESS_UNDO ROLLED_BACK']);
      const before = await historyOf(rig, short);
      const lives = frozenWorker.lives;
      frozen.thaw();
      // It has noticed: it says that it lives, or it ended itself and was started again.
      await until('the thawed worker to go on', async () => {
        if (frozenWorker.lives > lives) return true;
        const [seen] = await rig.ledger`
          SELECT FROM workers WHERE id LIKE ${`%-${frozenWorker.pid}-%`} AND last_seen_at > now() - interval '1 second'`;
        return seen !== undefined;
      });
      await frozenWorker.ready();
      await sleep(2_000); // whatever it had in hand has been written by now, or refused
      assert.equal(await historyOf(rig, short), before, 'the thawed worker changed what its successor had written');
      for (const long of jobIds.filter((id) => !short.includes(id))) {
        await rig.client.accept('POST', `/jobs/${long}/cancel`);
        await rig.settled([long]);
      }
    }
    await checkInvariants(rig);
  },
};
