import { describe, expect, it } from 'vitest';
import { checksSetup, sampleFound, sampleReport } from '../../../../test/support/check-data.ts';
import { claimedBy } from '../../../../test/support/executions.ts';
import { sampleContext } from '../../../../test/support/ledger-data.ts';

describe('reports at the same time', () => {
  it('of one check on one target come one after the other: nothing is opened twice', async () => {
    const setup = await checksSetup();
    const others = await Promise.all([1, 2, 3].map(() => setup.observing()));
    const found = ['a', 'b', 'c'].map((name) => sampleFound(name));
    const all = await Promise.all([setup.claimed, ...others].map((by) => setup.record(sampleReport(found), by)));
    expect(all).toEqual([true, true, true, true]);
    const { items } = await setup.ledger.findings.list({ limit: 10 });
    expect(items.map(({ object, occurrences }) => [object.name, occurrences]).sort()).toEqual([
      ['a', 4],
      ['b', 4],
      ['c', 4],
    ]);
    expect((await setup.findingEvents()).map(({ action }) => action)).toEqual([
      'finding.open',
      'finding.open',
      'finding.open',
    ]);
  });

  it('wait for who is muting a finding, and heed it', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()]));
    const { id } = await setup.onlyFinding();
    const held = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const muting = setup.ledger.transaction(sampleContext(), async (tx) => {
      expect(await tx.findings.getForUpdate(id)).toMatchObject({ id, state: 'open' });
      await tx.findings.setMute(id, { reason: 'known', until: null, by: 'api_key:k', at: await tx.now() });
      held.resolve();
      await release.promise;
      return { result: null, audit: [{ action: 'finding.mute', entity: 'finding', entityId: id }] };
    });
    await held.promise;
    const recording = setup.record(sampleReport());
    await setup.waitForLock();
    release.resolve();
    await muting;
    expect(await recording).toBe(true);
    expect((await setup.findingEvents()).at(-1)).toMatchObject({
      action: 'finding.resolve',
      before: { state: 'muted' },
    });
  });
});

describe('a claim that ended', () => {
  it('writes nothing of a report or a look', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()], { snapshot: { n: 1 } }));
    await setup.executions.finish(setup.claimed, { kind: 'succeeded', result: {} }, []);
    const before = await setup.checkContents();
    expect(await setup.record(sampleReport([sampleFound('b')], { snapshot: { n: 2 } }))).toBe(false);
    expect(await setup.look([])).toBe(false);
    expect(await setup.checkContents()).toEqual(before);
  });

  it('writes nothing either when it ends while the report is on its way', async () => {
    const setup = await checksSetup();
    const recording = await setup.sql.begin(async (takeover) => {
      await takeover`DELETE FROM leases WHERE task_id = ${setup.claimed.task.id}`;
      const written = setup.record(sampleReport([sampleFound()]));
      await setup.waitForLock();
      return { written };
    });
    expect(await recording.written).toBe(false);
    expect((await setup.ledger.findings.list({ limit: 10 })).items).toEqual([]);
  });

  it('cannot be taken over while it writes, but be renewed', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()]));
    const next = await setup.addJob();
    const { recording, claiming } = await setup.sql.begin(async (tx) => {
      await tx`SELECT FROM findings FOR UPDATE`;
      const recording = setup.record(sampleReport());
      await setup.waitForLock();
      expect(await setup.executions.renew(setup.claimed, 60_000)).toMatchObject({ kind: 'held' });
      await setup.expireLease(setup.claimed);
      const claiming = setup.claim(next, 'rebuild');
      await setup.waitForLock(2);
      return { recording, claiming };
    });
    expect(await recording).toBe(true);
    expect(claimedBy(await claiming).fence).toBe(setup.claimed.fence + 1);
    expect(await setup.onlyFinding()).toMatchObject({ state: 'resolved' });
  });
});
