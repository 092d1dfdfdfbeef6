import type { AuditEntry, LedgerTransaction } from '@slacktide/application/ports';
import type { Json } from '@slacktide/domain';
import { describe, expect, it, onTestFinished } from 'vitest';
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
    const { ledger, insert } = await setup();
    const target = sampleTarget({ labels: { tier: 'gold', 'team/name': 'ünïcode "quoted"' }, secretRef: null });
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

  it('removes what was said of it, and nothing else', async () => {
    const { insert, health, sql, write } = await setup();
    await insert(sampleTarget(), sampleTarget({ id: 'shop2' }));
    const said = { status: 'HEALTHY', message: 'fine', lifeSeconds: 60 } as const;
    for (const module of ['shop', 'target:shop', 'target:shop2']) await health.putSignal({ ...said, module });
    const modules = async () =>
      (await sql`SELECT module FROM health_signals ORDER BY module`).map(({ module }) => module);
    const refused = write(async (tx) => {
      await tx.targets.delete('shop');
      throw new Error('on second thoughts');
    });
    await expect(refused).rejects.toThrow('on second thoughts');
    expect(await modules()).toEqual(['shop', 'target:shop', 'target:shop2']);
    await write(async (tx) => tx.targets.delete('shop').then(() => null));
    expect(await modules()).toEqual(['shop', 'target:shop2']);
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
