import { sealAudit, verifyAudit } from '@slacktide/application';
import { objectKey } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { checksSetup, sampleFound, sampleReport } from '../../../../test/support/check-data.ts';
import { foldAudit, readFold } from '../../../../test/support/fold-audit.ts';

describe('a report', () => {
  it('opens what was not known, with all that was found, and says so in the audit log', async () => {
    const setup = await checksSetup();
    const { claimed, ledger, record } = setup;
    expect(await record(sampleReport([sampleFound(), sampleFound('other', { action: null })]))).toBe(true);
    const { items } = await ledger.findings.list({ limit: 10 });
    const opened = items.find(({ object }) => object.name === 'orders_old');
    expect(opened).toEqual({
      ...sampleFound(),
      id: expect.any(String),
      targetId: 'shop',
      check: 'unused_index',
      state: 'open',
      firstSeenAt: expect.any(Date),
      lastSeenAt: opened?.firstSeenAt,
      resolvedAt: null,
      occurrences: 1,
      mute: null,
      config: { days_unused: 30 },
      taskId: claimed.task.id,
    });
    expect(items.find(({ object }) => object.name === 'other')?.action).toBeNull();
    const event = (await setup.findingEvents()).find((each) => each.entityId === opened?.id);
    expect(event).toEqual({
      action: 'finding.open',
      actor: 'worker:w1',
      entityId: opened?.id,
      traceId: claimed.job.traceId,
      before: null,
      after: {
        state: 'open',
        severity: 'warning',
        target_id: 'shop',
        check: 'unused_index',
        object: { kind: 'index', schema: 'public', name: 'orders_old', table: 'orders' },
        summary: 'orders_old was not used for 30 days',
      },
    });
  });

  it('that finds the same again counts it and takes its words, and is no event', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()]));
    const first = await setup.onlyFinding();
    const again = await setup.observing();
    const changed = sampleFound('orders_old', { summary: 'still unused', evidence: { scans: 1 }, action: null });
    await setup.records.record(again, sampleReport([changed]), { days_unused: 60 });
    const second = await setup.onlyFinding();
    expect(second).toEqual({
      ...first,
      ...changed,
      occurrences: 2,
      lastSeenAt: expect.any(Date),
      taskId: again.task.id,
      config: { days_unused: 60 },
    });
    expect(second.lastSeenAt.getTime()).toBeGreaterThanOrEqual(first.lastSeenAt.getTime());
    expect((await setup.findingEvents()).map(({ action }) => action)).toEqual(['finding.open']);
  });

  it('that judges it otherwise says so', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()]));
    await setup.record(sampleReport([sampleFound('orders_old', { severity: 'critical' })]));
    expect(await setup.onlyFinding()).toMatchObject({ severity: 'critical', occurrences: 2, state: 'open' });
    expect((await setup.findingEvents()).at(-1)).toMatchObject({
      action: 'finding.change',
      before: { state: 'open', severity: 'warning' },
      after: { state: 'open', severity: 'critical' },
    });
  });

  it('resolves what it does not find, and opens it again as the same finding', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport([sampleFound()]));
    const first = await setup.onlyFinding();
    await setup.record(sampleReport());
    const resolved = await setup.onlyFinding();
    expect(resolved).toEqual({ ...first, state: 'resolved', resolvedAt: expect.any(Date) });
    await setup.record(sampleReport());
    expect(await setup.onlyFinding()).toEqual(resolved);
    await setup.record(sampleReport([sampleFound('orders_old', { severity: 'info' })]));
    expect(await setup.onlyFinding()).toMatchObject({
      id: first.id,
      firstSeenAt: first.firstSeenAt,
      state: 'open',
      resolvedAt: null,
      occurrences: 2,
    });
    expect((await setup.findingEvents()).slice(1)).toMatchObject([
      { action: 'finding.resolve', before: { state: 'open' }, after: { state: 'resolved', summary: first.summary } },
      {
        action: 'finding.reopen',
        before: { state: 'resolved', severity: 'warning' },
        after: { state: 'open', severity: 'info' },
      },
    ]);
  });

  it('leaves alone what it could not judge', async () => {
    const setup = await checksSetup();
    await setup.record(sampleReport(['a', 'b', 'c'].map((name) => sampleFound(name))));
    const [before] = (await setup.ledger.findings.list({ limit: 10 })).items;
    const unknown = [{ object: 'public.a', reason: 'locked', grant: null }];
    await setup.record(sampleReport([], { unknown, unjudged: ['public.b'] }));
    const state = async () =>
      (await setup.ledger.findings.list({ limit: 10 })).items
        .map(({ object, state, occurrences }) => `${objectKey(object)} ${state} ${occurrences}`)
        .sort();
    expect(await state()).toEqual(['public.a open 1', 'public.b open 1', 'public.c resolved 1']);
    await setup.record(sampleReport([], { unjudged: 'all' }));
    expect(await state()).toEqual(['public.a open 1', 'public.b open 1', 'public.c resolved 1']);
    expect((await setup.ledger.findings.list({ limit: 10 })).items[0]?.lastSeenAt).toEqual(before?.lastSeenAt);
  });

  it('concerns one check on one target', async () => {
    const setup = await checksSetup();
    const stock = await setup.observing('stock');
    await setup.record(sampleReport([sampleFound()]));
    await setup.record(sampleReport([sampleFound()]), stock);
    await setup.record(sampleReport([sampleFound()], { check: 'index_bloat' }));
    await setup.record(sampleReport());
    const { items } = await setup.ledger.findings.list({ limit: 10 });
    expect(items.map(({ targetId, check, state }) => `${targetId} ${check} ${state}`).sort()).toEqual([
      'shop index_bloat open',
      'shop unused_index resolved',
      'stock unused_index open',
    ]);
  });

  it('with a fingerprint twice is refused, and writes nothing', async () => {
    const setup = await checksSetup();
    const before = await setup.checkContents();
    await expect(setup.record(sampleReport([sampleFound(), sampleFound()]))).rejects.toThrow('its own fingerprint');
    expect(await setup.checkContents()).toEqual(before);
  });

  it('of thousands of findings is written as one of a few', async () => {
    const setup = await checksSetup();
    const many = Array.from({ length: 3_000 }, (_, n) => sampleFound(`index_${n}`));
    await setup.record(sampleReport(many));
    await setup.record(sampleReport(many.slice(1_000)));
    await setup.record(sampleReport(many.slice(500)));
    const [row] = await setup.sql`
      SELECT count(*) FILTER (WHERE resolved_at IS NOT NULL)::int AS resolved, count(*) FILTER (WHERE occurrences = 2)::int AS reopened,
        count(*) FILTER (WHERE occurrences = 3)::int AS stayed FROM findings`;
    expect({ ...row }).toEqual({ resolved: 500, reopened: 500, stayed: 2_000 });
    const counts = await setup.sql`
      SELECT action, count(*)::int FROM audit_events WHERE entity = 'finding' GROUP BY action ORDER BY action`;
    expect(counts.map(({ action, count }) => [action, count])).toEqual([
      ['finding.open', 3_000],
      ['finding.reopen', 500],
      ['finding.resolve', 1_000],
    ]);
  });

  it('is told in an audit log that stays sound', async () => {
    const setup = await checksSetup();
    const { auditChain } = setup.connection;
    await setup.record(sampleReport([sampleFound()]));
    await setup.record(sampleReport());
    await setup.record(sampleReport([sampleFound('orders_old', { severity: 'info' })]));
    while ((await sealAudit({ auditChain }, 1_000)) !== 0);
    expect(await verifyAudit({ auditChain, auditPublicKey: undefined }, {})).toMatchObject({
      intact: true,
      unsealed: 0,
    });
    expect(foldAudit((await readFold(setup.sql)).events).faults).toEqual([]);
  });
});
