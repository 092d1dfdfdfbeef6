import type { AuditEntry, LedgerTransaction } from '@slacktide/application/ports';
import type { Json, Schedule } from '@slacktide/domain';
import { expect, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../../../test/support/ledger.ts';
import { noon, sampleContext, sampleSchedule, sampleTarget } from '../../../../test/support/ledger-data.ts';
import { connectLedger } from '../connect.ts';

const audit: readonly [AuditEntry] = [{ action: 'schedule.change', entity: 'schedule', entityId: 'nightly' }];
const later = (ms: number): Date => new Date(noon.getTime() + ms);

async function setup(...schedules: Schedule[]) {
  const databaseUrl = await freshLedger();
  const { ledger, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 3 });
  onTestFinished(close);
  const write = <T extends Json>(work: (tx: LedgerTransaction) => Promise<T>): Promise<T> =>
    ledger.transaction(sampleContext(), async (tx) => ({ result: await work(tx), audit }));
  await write(async (tx) => {
    await tx.targets.insert(sampleTarget());
    for (const schedule of schedules) await tx.schedules.insert(schedule);
    return null;
  });
  return { ledger, write, sql: lookInto(databaseUrl) };
}

it('comes back as it was written, with and without its optional parts', async () => {
  const full = sampleSchedule({
    description: 'Every night',
    lastTickAt: later(-1),
    tasks: [
      { key: 'a', type: 'INDEX_REBUILD', config: { deep: [1, { x: null }], text: 'a "b"' }, needs: [] },
      { key: 'b', type: 'STATISTICS_UPDATE', config: {}, needs: ['a'] },
    ],
  });
  const bare = sampleSchedule({
    id: 'bare',
    window: null,
    targets: { kind: 'labels', labels: { tier: 'gold' } },
    enabled: false,
    nextDueAt: null,
    haltOnTaskFailure: false,
    misfirePolicy: 'skip',
  });
  const { ledger, write } = await setup(full, bare);
  expect(await ledger.schedules.get('nightly')).toEqual(full);
  expect(await ledger.schedules.get('bare')).toEqual(bare);
  expect(await ledger.schedules.get('none')).toBeUndefined();
  await write(async (tx) => {
    expect(await tx.schedules.getForUpdate('nightly')).toEqual(full);
    return null;
  });
});

it('lists newest first, filtered by enabled and name, in whole pages', async () => {
  const ids = ['a', 'b', 'c', 'd', 'e'];
  const { ledger } = await setup(
    ...ids.map((id, n) =>
      sampleSchedule({ id, createdAt: later(n), enabled: n !== 2, nextDueAt: n === 2 ? null : noon }),
    ),
  );
  const first = await ledger.schedules.list({ limit: 3 });
  expect(first.items.map(({ id }) => id)).toEqual(['e', 'd', 'c']);
  const second = await ledger.schedules.list({ limit: 3, cursor: first.nextCursor as string });
  expect(second.items.map(({ id }) => id)).toEqual(['b', 'a']);
  expect(second.nextCursor).toBeNull();
  const exact = await ledger.schedules.list({ limit: 5 });
  expect(exact.nextCursor).toBeNull();
  const found = async (filter: { enabled?: boolean; name?: string }) =>
    (await ledger.schedules.list({ limit: 10 }, filter)).items.map(({ id }) => id);
  expect(await found({ enabled: false })).toEqual(['c']);
  expect(await found({ enabled: true })).toEqual(['e', 'd', 'b', 'a']);
  expect(await found({ name: 'Schedule b' })).toEqual(['b']);
  expect(await found({ enabled: false, name: 'Schedule b' })).toEqual([]);
});

it('refuses an id that is taken, naming the field', async () => {
  const { write, ledger } = await setup(sampleSchedule());
  const insert = write(async (tx) => tx.schedules.insert(sampleSchedule({ name: 'New' })).then(() => null));
  await expect(insert).rejects.toMatchObject({ code: 'conflict', problems: [{ pointer: '/id', code: 'taken' }] });
  expect(await ledger.schedules.get('nightly')).toEqual(sampleSchedule());
});

it('may have the name of another, from the start or later', async () => {
  const name = 'Nightly';
  const { write, ledger } = await setup(
    sampleSchedule({ id: 'a', name }),
    sampleSchedule({ id: 'b', name }),
    sampleSchedule({ id: 'c', name: 'Weekly' }),
  );
  expect(await write((tx) => tx.schedules.update(sampleSchedule({ id: 'c', name, version: 2 })))).toBe(true);
  const { items } = await ledger.schedules.list({ limit: 10 }, { name });
  expect(items.map(({ id }) => id)).toEqual(['c', 'b', 'a']);
});

it('refuses to name a target that does not exist', async () => {
  const { write, ledger } = await setup();
  const schedule = sampleSchedule({ targets: { kind: 'ids', ids: ['shop', 'nowhere'] } });
  const insert = write(async (tx) => tx.schedules.insert(schedule).then(() => null));
  await expect(insert).rejects.toMatchObject({ code: 'conflict', message: 'there is no target nowhere' });
  expect(await ledger.schedules.get('nightly')).toBeUndefined();
});

it('of two edits of one version, one wins', async () => {
  const { write, ledger } = await setup(sampleSchedule());
  const edit = (name: string) =>
    write((tx) => tx.schedules.update(sampleSchedule({ name, version: 2, createdAt: new Date(0) })));
  const won = await Promise.all([edit('One'), edit('Two')]);
  expect(won.toSorted()).toEqual([false, true]);
  const name = won[0] ? 'One' : 'Two';
  expect(await ledger.schedules.get('nightly')).toEqual(sampleSchedule({ name, version: 2 }));
});

it('advances after a tick without a new version; an edit does not undo it', async () => {
  const { write, ledger } = await setup(sampleSchedule());
  const advance = (nextDueAt: Date | null, lastTickAt: Date) =>
    write(async (tx) => {
      await tx.ticks.write({ jobs: [], advances: [{ scheduleId: 'nightly', nextDueAt, lastTickAt }] });
      return null;
    });
  await advance(later(2000), later(1000));
  expect(await ledger.schedules.get('nightly')).toEqual(
    sampleSchedule({ nextDueAt: later(2000), lastTickAt: later(1000) }),
  );
  await advance(later(2000), later(500));
  await write((tx) => tx.schedules.update(sampleSchedule({ version: 2, nextDueAt: later(3000) })));
  expect(await ledger.schedules.get('nightly')).toEqual(
    sampleSchedule({ version: 2, nextDueAt: later(3000), lastTickAt: later(1000) }),
  );
});

it('that was disabled meanwhile is not due again by a late tick', async () => {
  const { write, ledger } = await setup(sampleSchedule({ enabled: false, nextDueAt: null }));
  await write(async (tx) =>
    tx.ticks
      .write({ jobs: [], advances: [{ scheduleId: 'nightly', nextDueAt: later(9), lastTickAt: later(1) }] })
      .then(() => null),
  );
  expect(await ledger.schedules.get('nightly')).toMatchObject({ nextDueAt: null, lastTickAt: later(1) });
});

it('tells when schedules are due, by its own clock', async () => {
  const { ledger, sql } = await setup(sampleSchedule(), sampleSchedule({ id: 'off', enabled: false, nextDueAt: null }));
  const { now, nextDueAt } = await ledger.schedules.dueTimes(['nightly', 'off', 'unknown']);
  expect([...nextDueAt].toSorted()).toEqual([
    ['nightly', noon],
    ['off', null],
  ]);
  const [clock] = await sql`SELECT now() - ${now}::timestamptz BETWEEN '0' AND '1 minute' AS just_now`;
  expect(clock).toEqual({ just_now: true });
  expect(await ledger.schedules.dueTimes([])).toEqual({ now: expect.any(Date), nextDueAt: new Map() });
});

it('reads what a release before wrote: no time limits, and the defaults of its newer columns', async () => {
  const { ledger, sql } = await setup();
  const tasks = [{ key: 'a', type: 'INDEX_REBUILD', config: {}, needs: [] }];
  await sql`
    INSERT INTO schedules (id, name, cron_expression, timezone, targets, tasks, halt_on_task_failure, enabled, misfire_policy,
      version, created_at, updated_at)
    VALUES ('old', 'Old', '0 2 * * *', 'UTC', ${sql.json({ kind: 'ids', ids: ['shop'] })}, ${sql.json(tasks)}, true, false,
      'run_once', 1, ${noon}, ${noon})`;
  expect(await ledger.schedules.get('old')).toMatchObject({
    tasks,
    misfireMax: 10,
    catchUpSeconds: 86_400,
    overlapPolicy: 'skip',
  });
});

it('is gone after delete; deleting it again does nothing', async () => {
  const { write, ledger } = await setup(sampleSchedule());
  const remove = () => write(async (tx) => tx.schedules.delete('nightly').then(() => null));
  await remove();
  await remove();
  expect(await ledger.schedules.get('nightly')).toBeUndefined();
});
