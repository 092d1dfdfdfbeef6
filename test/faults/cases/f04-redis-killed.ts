import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';

/** F4: Redis dies without a goodbye, and comes back with all, a part, or nothing of what it had. */
export const faultCase: FaultCase = {
  promise: 'Redis killed with its AOF whole, cut short or gone: nothing is lost, nothing is done twice',
  async run(trial) {
    const { random, scale } = trial;
    const rounds = scale === 'full' ? 30 : 3;
    await using rig = await startRig(trial, {
      targets: 3,
      redisDirectives: ['appendonly yes', 'appendfsync everysec', 'aof-load-truncated yes'],
    });
    const submitSome = (count: number): Promise<string[]> =>
      Promise.all(
        Array.from({ length: count }, () => {
          const type = random.pick(['WITNESS', 'WITNESS_ONCE', 'WITNESS_UNDO']);
          const tasks = [
            { type, key: 'first', config: { ms: random.pick([0, 100]) } },
            { type: 'WITNESS', key: 'second', config: { ms: 0 } },
          ];
          return rig.submit({ target: random.pick(rig.targets).id, tasks });
        }),
      );
    for (let round = 0; round < rounds; round += 1) {
      await submitSome(4);
      await rig.redis.kill();
      // Accepted while there is no Redis at all.
      await submitSome(2);
      const kind = (['whole', 'cut', 'gone'] as const)[round % 3] ?? 'whole';
      if (kind === 'cut') rig.redis.truncateAof(random.next());
      if (kind === 'gone') rig.redis.wipe();
      await rig.redis.start();
      trial.log(`Redis is back, its AOF ${kind}`);
      await submitSome(1);
    }
    await checkInvariants(rig);
  },
};
