import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';

/** F3: Redis is emptied at random moments while jobs are waiting, running and being added. */
export const faultCase: FaultCase = {
  promise: 'FLUSHALL at any moment loses nothing and runs nothing twice',
  async run(trial) {
    const { random, scale } = trial;
    const [jobs, flushes] = scale === 'full' ? [500, 100] : [24, 6];
    await using rig = await startRig(trial, { targets: 3, workers: 2 });
    const types = ['WITNESS', 'WITNESS_ONCE', 'WITNESS_UNDO', 'WITNESS_LOOK'];
    const flusher = random.fork('flushes');
    let submitting = true;
    const submit = async (): Promise<void> => {
      for (let count = 0; count < jobs; count += 1) {
        const tasks = Array.from({ length: random.between(1, 3) }, (_, index) => ({
          key: `t${index}`,
          type: random.pick(types),
          config: { ms: random.pick([0, 50, 150]) },
        }));
        await rig.submit({ target: random.pick(rig.targets).id, tasks });
      }
      submitting = false;
    };
    const flush = async (): Promise<void> => {
      for (let count = 0; count < flushes; count += 1) {
        await sleep(flusher.between(50, scale === 'full' ? 1_000 : 600));
        await rig.redis.flushAll();
        trial.log(`flushed${submitting ? '' : ', nothing more is submitted'}`);
      }
    };
    await Promise.all([submit(), flush()]);
    await checkInvariants(rig);
  },
};
