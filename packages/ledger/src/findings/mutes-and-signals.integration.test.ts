import { describe, expect, it } from 'vitest';
import { checksSetup, sampleFound, sampleReport } from '../../../../test/support/check-data.ts';

const soon = () => new Date(Date.now() + 3_600_000);

describe('a muted finding', () => {
  it('stays muted while it is found, and when it comes back', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()]));
    const { id } = await setup.onlyFinding();
    await setup.mute(id, soon());
    await setup.record(sampleReport([sampleFound()]));
    expect(await setup.onlyFinding()).toMatchObject({ state: 'muted', occurrences: 2, mute: { reason: 'known' } });
    await setup.record(sampleReport());
    expect(await setup.onlyFinding()).toMatchObject({ state: 'resolved', mute: { reason: 'known' } });
    await setup.record(sampleReport([sampleFound()]));
    expect(await setup.onlyFinding()).toMatchObject({ id, state: 'muted', occurrences: 3 });
    expect((await setup.findingEvents()).slice(-2)).toMatchObject([
      { action: 'finding.resolve', before: { state: 'muted' }, after: { state: 'resolved' } },
      { action: 'finding.reopen', before: { state: 'resolved' }, after: { state: 'muted' } },
    ]);
  });

  it('is open again once its mute ended', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()]));
    const { id } = await setup.onlyFinding();
    await setup.mute(id, new Date(Date.now() - 1_000));
    expect(await setup.onlyFinding()).toMatchObject({ state: 'open', mute: { reason: 'known' } });
    await setup.record(sampleReport());
    await setup.record(sampleReport([sampleFound()]));
    expect(await setup.onlyFinding()).toMatchObject({ state: 'open' });
    expect((await setup.findingEvents()).at(-1)).toMatchObject({ action: 'finding.reopen', after: { state: 'open' } });
  });

  it('raises no signal, as the rest does', async () => {
    const setup = await checksSetup();
    const report = sampleReport([sampleFound()], { check: 'invalid_index' });
    const signal = async () =>
      (await setup.connection.health.listSignals()).map(({ status, message }) => [status, message]);
    await setup.record(report);
    expect(await signal()).toEqual([
      ['DEGRADED', 'Target shop: 1 finding (1 warning): orders_old was not used for 30 days'],
    ]);
    await setup.mute((await setup.onlyFinding()).id, null);
    await setup.record({
      ...report,
      findings: [sampleFound(), sampleFound('b', { severity: 'info', summary: 'b is odd' })],
    });
    expect(await signal()).toEqual([['HEALTHY', 'Target shop: 1 finding: b is odd']]);
    await setup.record({ ...report, findings: [], unjudged: 'all' });
    expect(await signal()).toEqual([['HEALTHY', 'Target shop: 1 finding: b is odd']]);
    await setup.record({ ...report, findings: [] });
    await setup.record({ ...report, findings: [sampleFound()] });
    expect(await signal()).toEqual([['HEALTHY', 'Target shop: nothing found in 12 objects']]);
  });
});

describe('the signal of a check', () => {
  it('is its own for every check and target, holds for 26 hours, and then says nothing', async () => {
    const setup = await checksSetup();
    await setup.record(
      sampleReport([sampleFound('a', { severity: 'critical', summary: 'a is bad' })], { check: 'integrity' }),
    );
    await setup.record(sampleReport(), await setup.observing('stock'));
    const signals = await setup.connection.health.listSignals();
    expect(signals).toMatchObject([
      { module: 'check:integrity:shop', status: 'UNHEALTHY', message: 'Target shop: 1 finding (1 critical): a is bad' },
      { module: 'check:unused_index:stock', status: 'HEALTHY' },
    ]);
    expect(signals.map(({ at, expiresAt }) => (expiresAt.getTime() - at.getTime()) / 3_600_000)).toEqual([26, 26]);
    await setup.sql`UPDATE health_signals SET expires_at = now() - interval '61 minutes'`;
    expect(await setup.connection.health.listSignals()).toEqual([]);
  });
});
