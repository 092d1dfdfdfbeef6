import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultCase, Trial } from '../harness/fault-case.ts';
import { checkInvariants } from '../harness/oracle/check-invariants.ts';
import { type Rig, startRig } from '../harness/rig.ts';
import { maintainer } from '../harness/servers.ts';
import { until } from '../harness/until.ts';

/** F7: the ledger stops without a goodbye, under requests and under work, for a moment and for longer than a lease lives. */
export const faultCase: FaultCase = {
  promise:
    'a ledger that restarts answers 503, never a 500; commits nobody heard of are found again; workers stop at the end of their lease',
  async run(trial) {
    const rounds = trial.scale === 'full' ? 20 : 2;
    await using rig = await startRig(trial, { controlPlanes: 2, targets: 2 });
    for (let round = 0; round < rounds; round += 1) await restartUnderRequests(trial, rig);
    await stayAwayForALease(trial, rig);
    await checkInvariants(rig);
    assert.equal(rig.client.statuses.get(500) ?? 0, 0, 'a request was answered 500');
    trial.report('answers by status', JSON.stringify(Object.fromEntries(rig.client.statuses)));
  },
};

async function restartUnderRequests(trial: Trial, rig: Rig): Promise<void> {
  const { random } = trial;
  const work = (type: string) => ({ target: random.pick(rig.targets).id, tasks: [{ type, config: { ms: 20 } }] });
  const submitted = Promise.all(
    Array.from({ length: 12 }, async () => {
      await sleep(random.between(0, 800));
      return await rig.submit(work(random.pick(['WITNESS', 'WITNESS_ONCE'])));
    }),
  );
  await sleep(random.between(50, 600));
  await rig.servers.ledger.crash();
  await sleep(random.between(0, 300));
  await rig.servers.ledger.start();
  const ids = await submitted;
  // Each request was repeated under its key until it was answered: one job each, whatever became of the first commit.
  assert.equal(new Set(ids).size, ids.length);
  await rig.settled(ids);
  trial.log('the ledger was restarted under requests');
}

async function stayAwayForALease(trial: Trial, rig: Rig): Promise<void> {
  const id = await rig.submit({ target: 'db1', tasks: [{ type: 'WITNESS', config: { ms: 30_000 } }] });
  await rig.acting(id);
  await rig.servers.ledger.crash();
  const crashedAtMs = performance.now();
  await until('the worker to have stopped its statement', async () => {
    const { rowCount } = await rig
      .target()
      .sql.query(
        `SELECT FROM pg_stat_activity WHERE datname = current_database() AND usename = $1 AND state = 'active'`,
        [maintainer],
      );
    return rowCount === 0;
  });
  trial.report(
    'statement stopped after the ledger went, seconds (lease 3 s)',
    ((performance.now() - crashedAtMs) / 1000).toFixed(1),
  );
  await rig.servers.ledger.start();
  await rig.client.accept('POST', `/jobs/${id}/cancel`).catch(() => undefined); // it may be over already
}
