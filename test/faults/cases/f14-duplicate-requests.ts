import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { FaultCase } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { startRig } from '../harness/rig.ts';

const duplicates = 50;

/** F14: one request, sent many times at once to several control planes. */
export const faultCase: FaultCase = {
  promise: 'fifty duplicates of a request at once are one job; another body under the same key is refused',
  async run(trial) {
    const rounds = trial.scale === 'full' ? 20 : 2;
    await using rig = await startRig(trial, { controlPlanes: 2, workers: 1 });
    const work = { tasks: [{ type: 'WITNESS_ONCE', config: { ms: 20 } }] };
    await rig.scheduleOf(work);
    for (let round = 0; round < rounds; round += 1) {
      const key = randomUUID();
      const ids = await Promise.all(Array.from({ length: duplicates }, () => rig.submit(work, key)));
      assert.equal(new Set(ids).size, 1, 'all are answered with one job');
    }
    const key = randomUUID();
    const body = { name: 'One', cron_expression: '0 0 1 1 *', enabled: false, target_ids: ['db1'], tasks: ['WITNESS'] };
    const created = await Promise.all(
      Array.from({ length: duplicates }, () => rig.client.accept<{ id: string }>('POST', '/schedules', { body, key })),
    );
    assert.equal(new Set(created.map(({ id }) => id)).size, 1);
    const other = await rig.client.request('POST', '/schedules', {
      body: { ...body, name: 'Another' },
      headers: { 'idempotency-key': key },
    });
    assert.deepEqual([other.status, (other.body as { code: string }).code], [422, 'idempotency_key_reused']);
    const [row] = await rig.ledger<{ jobs: number }[]>`SELECT count(*)::int AS jobs FROM jobs`;
    assert.equal(row?.jobs, rounds);
    await checkInvariants(rig);
    assert.equal(rig.client.statuses.get(500) ?? 0, 0, 'a request was answered 500');
  },
};
