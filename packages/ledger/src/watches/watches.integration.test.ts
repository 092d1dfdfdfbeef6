import type { ClaimedTask, LedgerTransaction, NewWatch, WatchLook } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { claimedBy, executionsSetup } from '../../../../test/support/executions.ts';
import { sampleContext } from '../../../../test/support/ledger-data.ts';

const watch: NewWatch = {
  object: 'public.i',
  table: 'public.t',
  baseline: { statements: [1] },
  rule: { minCalls: 20, maxSlowerPercent: 50, rollBackWhenWorse: true },
  lookEverySeconds: 900,
  lastsSeconds: 3_600,
};
const point = { object: 'public.i', summary: 'index i', statements: ['CREATE INDEX i ON public.t (a)'] };
const look: WatchLook = { state: 'worse', evidence: { looks: 2 } };
const unknownId = '7f9c24e8-3b12-4fef-91e0-5a9b1d2c3e4f';

async function setup() {
  const setup = await executionsSetup();
  const { actRecords } = setup.connection;
  const claim = async (targetId = 'shop'): Promise<ClaimedTask> =>
    claimedBy(await setup.claim(await setup.addJob({ targetId }), 'rebuild', { access: 'observe' }));
  const claimed = await claim();
  /** A watch that has begun, with its rollback point. */
  const begin = async (by: ClaimedTask = claimed): Promise<{ id: string; pointId: string }> => {
    const pointId = await actRecords.prepareRollback(by, point);
    const id = await actRecords.prepareWatch(by, watch);
    if (pointId === undefined || id === undefined) throw new Error('expected a point and a watch');
    await actRecords.settleRollback(by, pointId, 'armed');
    await actRecords.settleWatch(by, id, 'open');
    return { id, pointId };
  };
  const within = <T>(work: (tx: LedgerTransaction) => Promise<T>): Promise<T> => {
    let result: T | undefined;
    const done = setup.ledger.transaction(sampleContext(), async (tx) => {
      result = await work(tx);
      return { result: null, audit: [{ action: 'x', entity: 'job', entityId: 'x' }] };
    });
    return done.then(() => result as T);
  };
  return {
    ...setup,
    actRecords,
    claim,
    claimed,
    begin,
    within,
    memory: setup.connection.observations.memoryOf('shop'),
  };
}

describe('watches', () => {
  it('are written before something is done, with its rollback point, and count from when it was', async () => {
    const { actRecords, claimed, memory, sql } = await setup();
    expect(await actRecords.prepareWatch(claimed, watch)).toBeUndefined();
    const pointId = await actRecords.prepareRollback(claimed, point);
    const id = (await actRecords.prepareWatch(claimed, watch)) ?? '';
    expect(await memory.watch(id)).toMatchObject({
      ...watch,
      state: 'prepared',
      rollbackPointId: pointId,
      evidence: null,
    });
    await sql`UPDATE watches SET started_at = now() - interval '1 hour', until = now()`;
    expect(await actRecords.settleWatch(claimed, id, 'open')).toBe(true);
    const begun = await memory.watch(id);
    expect((begun?.until.getTime() ?? 0) - (begun?.startedAt.getTime() ?? 0)).toBe(3_600_000);
    expect(begun).toMatchObject({ state: 'open', jobId: claimed.job.id, taskId: claimed.task.id });
    expect(await actRecords.settleWatch(claimed, id, 'void')).toBe(false);
    expect(await memory.watch('no uuid')).toBeUndefined();
    expect(await memory.watch(unknownId)).toBeUndefined();
  });

  it('are of one target', async () => {
    const { begin, connection } = await setup();
    const { id } = await begin();
    expect(await connection.observations.memoryOf('stock').watch(id)).toBeUndefined();
  });

  it('are written by whoever holds the claim alone', async () => {
    const { actRecords, claim, claimed, begin, memory, sql } = await setup();
    const { id, pointId } = await begin();
    const stock = await claim('stock');
    expect(await actRecords.recordLook(stock, id, look)).toBe(true);
    expect(await actRecords.useRollback(stock, pointId)).toBe(true);
    expect(await memory.watch(id)).toMatchObject({ state: 'open' });
    await sql`DELETE FROM leases`;
    expect(await actRecords.recordLook(claimed, id, look)).toBe(false);
    expect(await actRecords.useRollback(claimed, pointId)).toBe(false);
    expect(await actRecords.prepareWatch(claimed, watch)).toBeUndefined();
    expect(await memory.watch(id)).toMatchObject({ state: 'open', evidence: null });
  });

  it('that are over stay as they are', async () => {
    const { actRecords, claimed, begin, memory } = await setup();
    const { id } = await begin();
    await actRecords.recordLook(claimed, id, { state: 'passed', evidence: { looks: 1 } });
    await actRecords.recordLook(claimed, id, look);
    expect(await memory.watch(id)).toMatchObject({ state: 'passed', evidence: { looks: 1 } });
  });

  it('are due one look at a time', async () => {
    const { begin, within, sql, addJob } = await setup();
    const { id } = await begin();
    expect(await within((tx) => tx.watches.takeDue(10))).toEqual([]);
    await sql`UPDATE watches SET next_look_at = now()`;
    expect(await within((tx) => tx.watches.takeDue(10))).toMatchObject([{ id }]);
    const job = await addJob();
    await within((tx) => tx.watches.looking(id, job.id));
    await sql`UPDATE watches SET next_look_at = now()`;
    expect(await within((tx) => tx.watches.takeDue(10))).toEqual([]);
    await sql`UPDATE jobs SET state = 'FAILED', finished_at = now() WHERE id = ${job.id}`;
    expect(await within((tx) => tx.watches.takeDue(10))).toMatchObject([{ id, lookJobId: job.id }]);
  });

  it('that turned out badly are taken back once, and only where that is wanted', async () => {
    const { actRecords, claimed, begin, within, sql } = await setup();
    const { id } = await begin();
    expect(await within((tx) => tx.watches.takeWorse(10))).toEqual([]);
    await actRecords.recordLook(claimed, id, look);
    await sql`UPDATE watches SET roll_back_when_worse = false`;
    expect(await within((tx) => tx.watches.takeWorse(10))).toEqual([]);
    await sql`UPDATE watches SET roll_back_when_worse = true`;
    expect(await within((tx) => tx.watches.takeWorse(10))).toMatchObject([{ id, evidence: { looks: 2 } }]);
    await within((tx) => tx.watches.rollingBack(id, claimed.job.id));
    expect(await within((tx) => tx.watches.takeWorse(10))).toEqual([]);
  });

  it('end with the rollback of what they are over, whoever asked for it', async () => {
    const { actRecords, claim, begin, memory, ledger } = await setup();
    const { id, pointId } = await begin();
    const taker = await claim();
    expect(await actRecords.useRollback(taker, pointId)).toBe(true);
    expect(await memory.watch(id)).toMatchObject({ state: 'rolled_back', rollbackJobId: taker.job.id });
    const watched = await memory.watch(id);
    expect(await memory.rollbackPoints(watched?.jobId ?? '')).toMatchObject([
      { id: pointId, state: 'used', usedByJobId: taker.job.id },
    ]);
    expect(await ledger.rollbackPoints.listOfJob(watched?.jobId ?? '')).toHaveLength(1);
    expect(await ledger.rollbackPoints.listOfJob('no uuid')).toEqual([]);
  });

  it('go with their target, and after ninety days', async () => {
    const { actRecords, claimed, begin, within, sql, connection } = await setup();
    const { id } = await begin();
    await actRecords.recordLook(claimed, id, { state: 'passed', evidence: {} });
    await sql`UPDATE watches SET finished_at = now() - interval '89 days'`;
    await connection.history.prune(24);
    expect(await sql`SELECT id FROM watches`).toHaveLength(1);
    await sql`UPDATE watches SET finished_at = now() - interval '91 days'`;
    await connection.history.prune(24);
    expect(await sql`SELECT id FROM watches`).toHaveLength(0);
    await begin();
    await sql`UPDATE jobs SET state = 'SUCCEEDED', finished_at = now()`;
    await sql`DELETE FROM leases`;
    await within((tx) => tx.targets.delete('shop'));
    expect(await sql`SELECT id FROM watches UNION ALL SELECT id FROM rollback_points`).toEqual([]);
  });
});
