import type { AuditEntry, LedgerTransaction } from '@slacktide/application/ports';
import type { Json } from '@slacktide/domain';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checksSetup, sampleFound, sampleReading, sampleReport } from '../../../../test/support/check-data.ts';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { noon, sampleContext, sampleJob, sampleSchedule, sampleTarget } from '../../../../test/support/ledger-data.ts';
import { connectLedger } from '../connect.ts';

const audit: readonly [AuditEntry] = [{ action: 'target.change', entity: 'target', entityId: 'shop' }];

async function setup() {
  const databaseUrl = await freshLedger();
  const { ledger, health, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 3 });
  onTestFinished(close);
  const write = <T extends Json>(work: (tx: LedgerTransaction) => Promise<T>): Promise<T> =>
    ledger.transaction(sampleContext(), async (tx) => ({ result: await work(tx), audit }));
  const insert = (...targets: ReturnType<typeof sampleTarget>[]) =>
    write(async (tx) => {
      for (const target of targets) await tx.targets.insert(target);
      return null;
    });
  return { ledger, health, write, insert, sql: lookInto(databaseUrl) };
}

describe('targets', () => {
  it('come back as they were written', async () => {
    const standbys = ['postgresql://me@b:5433/shop?sslmode=require', 'postgresql://me@a/shop'];
    const { ledger, insert } = await setup();
    const target = sampleTarget({
      labels: { tier: 'gold', 'team/name': 'ünïcode "quoted"' },
      secretRef: null,
      standbys,
    });
    await insert(target);
    expect(await ledger.targets.get('shop')).toEqual(target);
    expect(await ledger.targets.get('other')).toBeUndefined();
    expect(await ledger.targets.findByIds(['other', 'shop'])).toEqual([target]);
  });

  it('are found by labels: those that carry them all', async () => {
    const { ledger, insert } = await setup();
    await insert(
      sampleTarget({ id: 'a', labels: { tier: 'gold', zone: 'eu' } }),
      sampleTarget({ id: 'b', labels: { tier: 'gold' } }),
      sampleTarget({ id: 'c', labels: { tier: 'silver', zone: 'eu' } }),
    );
    const found = async (labels: Record<string, string>) =>
      (await ledger.targets.findByLabels(labels)).map(({ id }) => id);
    expect(await found({ tier: 'gold' })).toEqual(['a', 'b']);
    expect(await found({ tier: 'gold', zone: 'eu' })).toEqual(['a']);
    expect(await found({ tier: 'bronze' })).toEqual([]);
    const { items } = await ledger.targets.list({ limit: 10 }, { labels: { zone: 'eu' } });
    expect(items.map(({ id }) => id)).toEqual(['c', 'a']);
  });

  it('are paged newest first, each once, though others come in between', async () => {
    const { ledger, insert } = await setup();
    const ids = Array.from({ length: 7 }, (_, n) => `t${n}`);
    // Pairs share an instant: the id decides.
    await insert(...ids.map((id, n) => sampleTarget({ id, createdAt: new Date(noon.getTime() + Math.floor(n / 2)) })));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ledger.targets.list({ limit: 2, cursor });
      expect(page.items.length).toBeLessThanOrEqual(2);
      seen.push(...page.items.map(({ id }) => id));
      await insert(sampleTarget({ id: `late${seen.length}`, createdAt: new Date(noon.getTime() + 1000) }));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids.toReversed());
  });

  it('refuse a cursor that no page gave', async () => {
    const { ledger } = await setup();
    const foreign = [
      '',
      'x',
      'eyJ9',
      Buffer.from('[1,"no id!"]').toString('base64url'),
      Buffer.from('["1","a"]').toString('base64url'),
    ];
    for (const cursor of foreign) {
      await expect(ledger.targets.list({ limit: 2, cursor })).rejects.toMatchObject({
        code: 'invalid_request',
        problems: [{ pointer: '?cursor' }],
      });
    }
  });

  it('refuse an id that is taken, naming the field', async () => {
    const { insert, ledger } = await setup();
    await insert(sampleTarget());
    await expect(insert(sampleTarget({ name: 'New' }))).rejects.toMatchObject({
      code: 'conflict',
      problems: [{ pointer: '/id', code: 'taken' }],
    });
    expect(await ledger.targets.get('shop')).toEqual(sampleTarget());
  });

  it('may have the name of another, from the start or later', async () => {
    const { insert, ledger, write } = await setup();
    const name = 'Shop';
    await insert(
      sampleTarget({ id: 'a', name }),
      sampleTarget({ id: 'b', name }),
      sampleTarget({ id: 'c', name: 'Blog' }),
    );
    expect(await write((tx) => tx.targets.update(sampleTarget({ id: 'c', name, version: 2 })))).toBe(true);
    const { items } = await ledger.targets.list({ limit: 10 });
    expect(items.map((target) => [target.id, target.name])).toEqual([
      ['c', name],
      ['b', name],
      ['a', name],
    ]);
  });

  it('are replaced only at the version the caller saw, and keep their fence and birthday', async () => {
    const { insert, ledger, write, sql } = await setup();
    await insert(sampleTarget());
    await sql`UPDATE targets SET fence = 7`;
    const change = sampleTarget({
      name: 'Renamed',
      standbys: ['postgresql://me@standby/shop'],
      version: 2,
      createdAt: new Date(0),
      updatedAt: new Date(noon.getTime() + 5),
    });
    expect(await write((tx) => tx.targets.update(change))).toBe(true);
    expect(await write((tx) => tx.targets.update(change))).toBe(false);
    expect(await ledger.targets.get('shop')).toEqual({ ...change, createdAt: noon });
    expect(await sql`SELECT fence FROM targets`).toEqual([{ fence: '7' }]);
  });

  it('hold no password, whoever writes', async () => {
    const { insert } = await setup();
    for (const connection of ['postgresql://me:secret@db/shop', 'postgresql://me@db/shop?password=secret']) {
      await expect(insert(sampleTarget({ connection }))).rejects.toThrow('targets_no_password');
      const standbys = ['postgresql://me@db/shop', connection];
      await expect(insert(sampleTarget({ standbys }))).rejects.toThrow('targets_standbys_no_password');
    }
    for (const standbys of [[1], [['postgresql://me:secret@db/shop']], {}, 'postgresql://me@db/shop'] as never[]) {
      await expect(insert(sampleTarget({ standbys }))).rejects.toThrow('targets_standbys_texts');
    }
  });
});

describe('deleting a target', () => {
  it('is refused while a schedule names it, or a job on it is not over', async () => {
    const { insert, ledger, write } = await setup();
    await insert(sampleTarget());
    await write(async (tx) => {
      await tx.schedules.insert(sampleSchedule());
      await tx.jobs.insert(sampleJob({ scheduleId: null, trigger: 'adhoc' }));
      return null;
    });
    const remove = () => write(async (tx) => tx.targets.delete('shop').then(() => null));
    await expect(remove()).rejects.toMatchObject({
      code: 'conflict',
      message: 'target shop is in use by schedule nightly',
    });
    await write(async (tx) => tx.schedules.delete('nightly').then(() => null));
    await expect(remove()).rejects.toMatchObject({ code: 'conflict', message: expect.stringContaining('by job ') });
    expect(await ledger.targets.get('shop')).toEqual(sampleTarget());
  });

  it('removes what was said and found of it, and nothing else', async () => {
    const { ledger, health, sql, claimed, observing, record, look, observations } = await checksSetup();
    const stock = await observing('stock');
    const said = { status: 'HEALTHY', message: 'fine', lifeSeconds: 60 } as const;
    for (const module of ['shop', 'target:shop', 'target:stock']) await health.putSignal({ ...said, module });
    for (const by of [claimed, stock]) await record(sampleReport([sampleFound()], { snapshot: {} }), by);
    await look([sampleReading(1, 7)]);
    await observations.record(stock, { node: 'primary', epoch: 'e', readings: [sampleReading(1, 7)], complete: [] });
    const write = (work: (tx: LedgerTransaction) => Promise<void>) =>
      ledger.transaction(sampleContext(), async (tx) => ({ result: await work(tx).then(() => null), audit }));
    await write(async (tx) => {
      for (const targetId of ['shop', 'stock'])
        await tx.care.put({ origin: 'target', targetId, settings: {}, version: 1 });
      await tx.care.put({ origin: 'fleet', targetId: null, settings: {}, version: 1 });
    });
    await sql`UPDATE jobs SET state = 'SUCCEEDED', finished_at = now()`;
    await sql`DELETE FROM leases`;

    const told = async () => {
      const rows = await sql`
        SELECT 'signal ' || module AS what FROM health_signals UNION ALL SELECT 'finding ' || target_id FROM findings
        UNION ALL SELECT 'run ' || target_id FROM check_runs UNION ALL SELECT 'snapshot ' || target_id FROM check_snapshots
        UNION ALL SELECT 'care ' || origin || ' ' || target_id FROM care_settings
        UNION ALL SELECT 'object ' || target_id FROM observed_objects WHERE target_id IS NOT NULL ORDER BY what`;
      return rows.map(({ what }) => what);
    };
    const before = await told();
    const refused = write(async (tx) => {
      await tx.targets.delete('shop');
      throw new Error('on second thoughts');
    });
    await expect(refused).rejects.toThrow('on second thoughts');
    expect(await told()).toEqual(before);
    await write((tx) => tx.targets.delete('shop'));
    const left = [
      'care fleet ',
      'care target stock',
      'finding stock',
      'object stock',
      'run stock',
      'signal check:unused_index:stock',
      'signal shop',
      'signal target:stock',
      'snapshot stock',
    ];
    expect(await told()).toEqual(left);
    const shop = ['care target shop', 'finding shop', 'object shop', 'run shop', 'snapshot shop'];
    const signals = ['signal check:unused_index:shop', 'signal target:shop'];
    expect(before.toSorted()).toEqual([...left, ...shop, ...signals].toSorted());
  });

  it('leaves the history of its jobs', async () => {
    const { insert, ledger, write } = await setup();
    await insert(sampleTarget());
    const job = sampleJob({ state: 'SKIPPED', reason: 'missed', finishedAt: noon, tasks: [] });
    await write((tx) => tx.jobs.insert(job));
    await write(async (tx) => tx.targets.delete('shop').then(() => null));
    expect(await ledger.targets.get('shop')).toBeUndefined();
    expect(await ledger.jobs.get(job.id)).toEqual(job);
  });

  it('and naming it at the same moment: the second sees the first', async () => {
    const { insert, write } = await setup();
    await insert(sampleTarget());
    const locked = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const deleting = write(async (tx) => {
      await tx.targets.delete('shop');
      locked.resolve();
      await release.promise;
      return null;
    });
    await locked.promise;
    const naming = write(async (tx) => tx.schedules.insert(sampleSchedule()).then(() => null));
    const running = write((tx) => tx.jobs.insert(sampleJob()));
    release.resolve();
    const refusal = { code: 'conflict', message: 'there is no target shop' };
    // Both are watched from the start: either may be the first to be refused.
    await Promise.all([
      deleting,
      expect(naming).rejects.toMatchObject(refusal),
      expect(running).rejects.toMatchObject(refusal),
    ]);
  });
});
