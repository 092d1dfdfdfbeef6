import type { Finding, FindingFilter, FindingMute } from '@slacktide/application/ports';
import { timeOrderedId } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import { checksSetup, sampleFound, sampleReport } from '../../../../test/support/check-data.ts';
import { noon, sampleContext } from '../../../../test/support/ledger-data.ts';

/** Findings in every state and of every severity, on two targets. */
async function setup() {
  const base = await checksSetup();
  const { ledger, record, observing } = base;
  await record(
    sampleReport([
      sampleFound('open'),
      sampleFound('muted', { severity: 'critical' }),
      sampleFound('unmuted', { severity: 'critical' }),
      sampleFound('gone'),
      sampleFound('gone and muted', { severity: 'info' }),
    ]),
  );
  await record(sampleReport([sampleFound('else')]), await observing('stock'));
  await record(sampleReport([sampleFound('bloated', { severity: 'info' })], { check: 'index_bloat' }));
  const byName = async (name: string): Promise<Finding> => {
    const all = await ledger.findings.list({ limit: 20 });
    const found = all.items.find(({ object }) => object.name === name);
    if (found === undefined) throw new Error(`expected a finding ${name}`);
    return found;
  };
  const setMute = async (name: string, mute: FindingMute | null) => {
    const { id } = await byName(name);
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.findings.setMute(id, mute);
      return { result: null, audit: [{ action: 'finding.mute', entity: 'finding', entityId: id }] };
    });
  };
  const until = new Date(Date.now() + 3_600_000);
  const mute: FindingMute = { reason: 'known', until, by: 'api_key:k', at: noon };
  for (const name of ['muted', 'gone and muted']) await setMute(name, mute);
  await setMute('unmuted', { ...mute, until: new Date(Date.now() - 1) });
  await record(
    sampleReport([
      sampleFound('open'),
      sampleFound('muted', { severity: 'critical' }),
      sampleFound('unmuted', { severity: 'critical' }),
    ]),
  );
  const names = async (filter?: FindingFilter) =>
    (await ledger.findings.list({ limit: 20 }, filter)).items.map(({ object }) => object.name).sort();
  return { ...base, byName, setMute, mute, names };
}

describe('findings', () => {
  it('are listed by target, check, severity and the state that they are in now', async () => {
    const { names, ledger } = await setup();
    expect(await names()).toHaveLength(7);
    expect(await names({ state: 'open' })).toEqual(['bloated', 'else', 'open', 'unmuted']);
    expect(await names({ state: 'muted' })).toEqual(['muted']);
    expect(await names({ state: 'resolved' })).toEqual(['gone', 'gone and muted']);
    expect(await names({ targetId: 'stock' })).toEqual(['else']);
    expect(await names({ check: 'index_bloat' })).toEqual(['bloated']);
    expect(await names({ severity: 'critical' })).toEqual(['muted', 'unmuted']);
    expect(await names({ severity: 'critical', state: 'open', targetId: 'shop', check: 'unused_index' })).toEqual([
      'unmuted',
    ]);
    expect(await names({ targetId: 'nobody' })).toEqual([]);
    expect(await ledger.findings.countOpen('shop', 'critical')).toBe(1);
    expect(await ledger.findings.countOpen('shop', 'warning')).toBe(1);
    expect(await ledger.findings.countOpen('stock', 'critical')).toBe(0);
  });

  it('say in a list what they say one by one', async () => {
    const { ledger, byName, mute } = await setup();
    for (const finding of (await ledger.findings.list({ limit: 20 })).items) {
      expect(await ledger.findings.get(finding.id)).toEqual(finding);
    }
    expect(await byName('muted')).toMatchObject({ state: 'muted', mute });
    expect(await byName('open')).toMatchObject({ state: 'open', mute: null });
    expect(await ledger.findings.get('no id')).toBeUndefined();
    expect(await ledger.findings.get(timeOrderedId(noon, new Uint8Array(10)))).toBeUndefined();
  });

  it('are paged newest first, each once', async () => {
    const { ledger, names, sql } = await setup();
    const inOrder = await sql`SELECT object ->> 'name' AS name FROM findings ORDER BY first_seen_at DESC, id DESC`;
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ledger.findings.list({ limit: 3, cursor });
      expect(page.items.length).toBeLessThanOrEqual(3);
      seen.push(...page.items.map(({ object }) => object.name));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(inOrder.map(({ name }) => name));
    expect(seen.toSorted()).toEqual(await names());
    await expect(ledger.findings.list({ limit: 3, cursor: 'x' })).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('are muted until somebody ends it', async () => {
    const { byName, ledger, setMute, mute } = await setup();
    await setMute('open', { ...mute, until: null });
    const { id } = await byName('open');
    expect(await ledger.findings.get(id)).toMatchObject({
      state: 'muted',
      mute: { until: null, by: 'api_key:k', at: noon },
    });
    await setMute('open', null);
    expect(await ledger.findings.get(id)).toMatchObject({ state: 'open', mute: null });
  });

  it('are got for update as they are, or not at all', async () => {
    const { byName, ledger } = await setup();
    const muted = await byName('muted');
    await ledger.transaction(sampleContext(), async (tx) => {
      expect(await tx.findings.getForUpdate(muted.id)).toEqual(muted);
      expect(await tx.findings.getForUpdate('no id')).toBeUndefined();
      return { result: null, audit: [{ action: 'finding.mute', entity: 'finding', entityId: muted.id }] };
    });
  });
});

describe('the latest runs of checks', () => {
  it('are told by name, as their reports had them', async () => {
    const { claimed, ledger, memory, observing, record } = await checksSetup();
    const skipped = [{ object: 'public.b', reason: 'excluded' }];
    const unknown = [{ object: 'public.c', reason: 'insufficient_privilege', grant: 'GRANT SELECT ON public.c TO me' }];
    await record(sampleReport([sampleFound()]));
    await record(sampleReport([], { check: 'index_bloat' }));
    const again = await observing();
    await record(sampleReport([], { skipped, unknown, checked: 3 }), again);
    await record(sampleReport([sampleFound()]), await observing('stock'));
    const runs = await ledger.findings.latestRuns('shop');
    const common = {
      targetId: 'shop',
      at: expect.any(Date),
      found: 0,
      config: { days_unused: 30 },
      figures: { unused: 0 },
    };
    expect(runs).toEqual([
      { ...common, check: 'index_bloat', taskId: claimed.task.id, checked: 12, skipped: [], unknown: [] },
      { ...common, check: 'unused_index', taskId: again.task.id, checked: 3, skipped, unknown },
    ]);
    expect(await memory.lastRuns()).toEqual(new Map(runs.map(({ check, at }) => [check, at])));
    expect(await ledger.findings.latestRuns('stock')).toMatchObject([{ check: 'unused_index', found: 1 }]);
  });
});

describe('snapshots', () => {
  it('are there for later runs of the check on the target, newest first', async () => {
    const { memory, observing, record, pass } = await checksSetup();
    await record(sampleReport([], { snapshot: { n: 1 }, check: 'workload' }));
    await pass('2 days');
    await record(sampleReport());
    await record(sampleReport([], { snapshot: { n: 2 }, check: 'workload' }));
    await record(sampleReport([], { snapshot: { n: 3 }, check: 'index_bloat' }));
    await record(sampleReport([], { snapshot: { n: 4 }, check: 'workload' }), await observing('stock'));
    const snapshots = async (options: { since?: Date; limit: number }) =>
      (await memory.snapshots('workload', options)).map(({ values }) => values);
    expect(await snapshots({ limit: 10 })).toEqual([{ n: 2 }, { n: 1 }]);
    expect(await snapshots({ limit: 1 })).toEqual([{ n: 2 }]);
    const now = await memory.now();
    expect(await snapshots({ limit: 10, since: new Date(now.getTime() - 86_400_000) })).toEqual([{ n: 2 }]);
    expect(await memory.snapshots('integrity', { limit: 10 })).toEqual([]);
    const [latest] = await memory.snapshots('workload', { limit: 1 });
    expect(latest).toEqual({ at: expect.any(Date), values: { n: 2 } });
  });

  it('are kept for 14 days, 200 of them; the newest always', async () => {
    const { memory, record, pass, sql } = await checksSetup();
    const left = async () => (await memory.snapshots('workload', { limit: 1_000 })).map(({ values }) => values['n']);
    await record(sampleReport([], { snapshot: { n: 1 }, check: 'workload' }));
    await record(sampleReport([], { snapshot: { n: 1 }, check: 'index_bloat' }));
    await pass('15 days');
    await record(sampleReport());
    expect(await left()).toEqual([1]);
    await record(sampleReport([], { snapshot: { n: 2 }, check: 'workload' }));
    expect(await left()).toEqual([2]);
    await pass('13 days');
    await sql`
      INSERT INTO check_snapshots (target_id, check_name, at, values)
      SELECT 'shop', 'workload', now() - interval '1 hour' + n * interval '1 second', jsonb_build_object('n', n) FROM generate_series(10, 207) AS n`;
    await record(sampleReport([], { snapshot: { n: 300 }, check: 'workload' }));
    expect(await left()).toHaveLength(200);
    await record(sampleReport([], { snapshot: { n: 301 }, check: 'workload' }));
    expect(await left()).toEqual([301, 300, ...Array.from({ length: 198 }, (_, n) => 207 - n)]);
    expect(await memory.snapshots('index_bloat', { limit: 10 })).toHaveLength(1);
  });
});
