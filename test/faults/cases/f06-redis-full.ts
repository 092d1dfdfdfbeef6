import assert from 'node:assert/strict';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';
import { until } from '../harness/until.ts';

const work = { tasks: [{ type: 'WITNESS', config: { ms: 20 } }] };

/** F6: a Redis that may evict, and one that is full. */
export const faultCase: FaultCase = {
  promise: 'a Redis that may evict turns readiness red with its reason; one that is full loses nothing',
  async run(trial) {
    await using rig = await startRig(trial, { workers: 1 });
    const { client: redis } = rig.redis;
    const readiness = () => rig.client.request('GET', '/readyz');

    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const red = await until('readiness to be red', async () => {
      const answer = await readiness();
      return answer.status === 503 && answer;
    });
    assert.match(red.text, /maxmemory-policy is allkeys-lru/);
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await until('readiness to be green again', async () => (await readiness()).status === 200);

    await rig.submit(work);
    await redis.config('SET', 'maxmemory', '1mb'); // below what it holds already: every write is refused
    for (let count = 0; count < (trial.scale === 'full' ? 200 : 10); count += 1) await rig.submit(work);
    const message = await until('health to tell that Redis is full', async () => {
      const report = await rig.client.get<{ modules: { message: string; status: string }[] }>('/health');
      return report.modules.find(({ message, status }) => status !== 'HEALTHY' && /full|OOM|memory/i.test(message))
        ?.message;
    });
    trial.log(`health: ${message}`);
    await redis.config('SET', 'maxmemory', '0');
    // As after a failover: the scripts that a process believes to be there are gone.
    await redis.script('FLUSH');
    await rig.submit(work);
    await checkInvariants(rig);
  },
};
