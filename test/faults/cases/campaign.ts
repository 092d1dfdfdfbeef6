import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';

const types = ['WITNESS', 'WITNESS_ONCE', 'WITNESS_UNDO', 'WITNESS_LOOK'];
const scales = {
  smoke: { jobs: 40, kills: 6, flushes: 2, pauseMs: 1_500 },
  full: { jobs: 500, kills: 100, flushes: 20, pauseMs: 1_500 },
};

/** The campaign of the issue: random kill -9 of workers and control planes, and FLUSHALLs, while jobs come and run. */
export const faultCase: FaultCase = {
  promise:
    'random kills of workers and control planes and FLUSHALLs: everything accepted is over, nothing overlapped, nothing was done twice',
  smokeLimitMs: 150_000,
  async run(trial) {
    const { jobs, flushes, kills, pauseMs } = scales[trial.scale];
    await using rig = await startRig(trial, { controlPlanes: 2, workers: 3, targets: 5 });
    const work = trial.random.fork('work');
    const havoc = trial.random.fork('havoc');

    const submitAll = async (): Promise<void> => {
      const pauseBetweenMs = (kills * pauseMs) / 2 / jobs;
      for (let count = 0; count < jobs; count += 1) {
        const tasks = Array.from({ length: work.between(1, 3) }, (_, index) => ({
          key: `t${index}`,
          type: work.pick(types),
          config: { ms: work.pick([0, 50, 200, 1_000]), steps: work.between(1, 3), tells: work.next() < 0.5 },
        }));
        await rig.submit({
          target: work.pick(rig.targets).id,
          tasks,
          schedule: { halt_on_task_failure: work.next() < 0.5 },
        });
        await sleep(work.between(0, 2 * pauseBetweenMs));
      }
    };
    const destroy = async (): Promise<void> => {
      const deeds = havoc.shuffled([
        ...Array.from({ length: kills }, () => 'kill' as const),
        ...Array.from({ length: flushes }, () => 'flush' as const),
      ]);
      for (const deed of deeds) {
        await sleep(havoc.between(0, 2 * pauseMs));
        if (deed === 'flush') {
          await rig.redis.flushAll();
          trial.log('FLUSHALL');
        } else {
          const victim = havoc.pick(rig.processes);
          // On a slow machine they would else die before they have begun, and nothing would ever be asked of them.
          await victim.ready();
          trial.log(`kill -9 ${victim.name}`);
          await victim.kill();
        }
      }
    };
    await Promise.all([submitAll(), destroy()]);
    await checkInvariants(rig);
  },
};
