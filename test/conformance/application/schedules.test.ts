import {
  createSchedule,
  deleteSchedule,
  disableSchedule,
  enableSchedule,
  getSchedule,
  listSchedules,
  nextFirings,
  patchSchedule,
  replaceSchedule,
} from '@slacktide/application';
import { Schedule, ScheduleInput } from '@slacktide/contract';
import { describe, expect, it } from 'vitest';
import { sampleClaim, sampleContext } from '../../support/ledger-data.ts';
import { refusalOf, scheduleInput, setup } from './setup.ts';

async function setupShop() {
  const it = await setup();
  await it.registerTarget('shop');
  return it;
}

describe('createSchedule', () => {
  it('writes the schedule, its due time by the ledger, a message for its timer and an audit event', async () => {
    const { deps, ctx, outbox, audit, sql } = await setupShop();
    const tasks = ['INDEX_REBUILD', { type: 'STATISTICS_UPDATE', config: { max_tables: 9 } }];
    const created = await createSchedule(deps, ctx, scheduleInput({ id: 'nightly', timezone: 'Europe/Berlin', tasks }));
    expect(Schedule.parse(created)).toEqual(created);
    expect(created).toMatchObject({
      id: 'nightly',
      version: 1,
      enabled: true,
      window_start_hour: null,
      target_ids: ['shop'],
      target_labels: null,
      tasks: [
        { key: 'index-rebuild', needs: [], config: { tables: [], bloat_threshold: 40 } },
        { key: 'statistics-update', needs: ['index-rebuild'], config: { tables: [], max_tables: 9 } },
      ],
    });
    const [clock] =
      await sql`SELECT extract(hour FROM ${created.next_due_at}::timestamptz AT TIME ZONE 'Europe/Berlin')::int AS hour,
      ${created.next_due_at}::timestamptz - now() BETWEEN '0' AND '25h' AS soon`;
    expect(clock).toEqual({ hour: 2, soon: true });
    expect(await outbox()).toEqual([{ kind: 'schedule.sync', scheduleId: 'nightly' }]);
    expect((await audit())[0]).toMatchObject({
      action: 'schedule.create',
      actor: 'api_key:tester',
      entityId: 'nightly',
      traceId: ctx.traceId,
      before: null,
      after: created,
    });
    expect(await getSchedule(deps, ctx, { id: 'nightly' })).toEqual(created);
  });

  it('makes an id where none is given', async () => {
    const { deps, ctx } = await setupShop();
    const created = await createSchedule(deps, ctx, scheduleInput());
    expect(created.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  it('is not due while disabled', async () => {
    const { deps, ctx } = await setupShop();
    const created = await createSchedule(deps, ctx, scheduleInput({ enabled: false }));
    expect(created.next_due_at).toBeNull();
  });

  const task = (config: Record<string, unknown>) => [{ type: 'INDEX_REBUILD', config }];
  const cycle = [
    { type: 'INDEX_REBUILD', key: 'a', needs: ['b'] },
    { type: 'INDEX_REBUILD', key: 'b', needs: ['a'] },
  ];
  it.each([
    ['H in cron', { cron_expression: 'H 3 * * *' }, '/cron_expression invalid_cron_expression'],
    ['a date that never comes', { cron_expression: '0 3 31 2 *' }, '/cron_expression invalid_cron_expression'],
    ['a zone that does not exist', { timezone: 'Mars/Olympus' }, '/timezone invalid_timezone'],
    ['an unknown task type', { tasks: ['COFFEE'] }, '/tasks/0 unknown_task_type'],
    ['a circle of needs', { tasks: cycle }, '/tasks/0/needs/0 cycle'],
    ['a need that is no task', { tasks: [{ type: 'INDEX_REBUILD', needs: ['x'] }] }, '/tasks/0/needs/0 unknown_need'],
    ['an unknown key of a config', { tasks: task({ speed: 1 }) }, '/tasks/0/config/speed unknown_field'],
    [
      'a config value out of range',
      { tasks: task({ bloat_threshold: 101 }) },
      '/tasks/0/config/bloat_threshold too_big',
    ],
    ['a target that does not exist', { target_ids: ['shop', 'nowhere'] }, '/target_ids/1 unknown_target'],
  ])('refuses %s, names the field and writes nothing', async (_name, changes, field) => {
    const { deps, ctx, rows } = await setupShop();
    const before = await rows();
    const refusal = await refusalOf(createSchedule(deps, ctx, scheduleInput(changes)));
    expect(refusal).toMatchObject({ code: 'invalid_request', fields: [field] });
    expect(await rows()).toEqual(before);
  });

  it('tells everything that is wrong at once', async () => {
    const { deps, ctx } = await setupShop();
    const input = scheduleInput({ cron_expression: 'H * * * *', tasks: ['COFFEE'], target_ids: ['nowhere'] });
    expect((await refusalOf(createSchedule(deps, ctx, input))).fields).toEqual([
      '/cron_expression invalid_cron_expression',
      '/tasks/0 unknown_task_type',
      '/target_ids/0 unknown_target',
    ]);
  });

  it('refuses an id that is taken; a name may be', async () => {
    const { deps, ctx, rows } = await setupShop();
    await createSchedule(deps, ctx, scheduleInput({ id: 'nightly' }));
    const before = await rows();
    const again = (changes: object) => refusalOf(createSchedule(deps, ctx, scheduleInput(changes)));
    expect(await again({ id: 'nightly', name: 'Other' })).toMatchObject({ code: 'conflict', fields: ['/id taken'] });
    expect(await rows()).toEqual(before);
    expect(await createSchedule(deps, ctx, scheduleInput({ id: 'other' }))).toMatchObject({ name: 'Nightly' });
  });

  it('answers a repeat with the first result and writes once', async () => {
    const { deps, rows } = await setupShop();
    const ctx = () => sampleContext({ idempotency: sampleClaim('k1') });
    const first = await createSchedule(deps, ctx(), scheduleInput());
    const before = await rows();
    expect(await createSchedule(deps, ctx(), scheduleInput())).toEqual(first);
    expect(await rows()).toEqual(before);
  });
});

describe('replaceSchedule', () => {
  it('takes what is left out back to its default, as the next version', async () => {
    const { deps, ctx, outbox, audit } = await setupShop();
    const window = { window_start_hour: 1, window_end_hour: 5 };
    const first = await createSchedule(deps, ctx, scheduleInput({ id: 'n', description: 'Long', ...window }));
    const second = await replaceSchedule(deps, ctx, {
      id: 'n',
      expectedVersion: 1,
      schedule: scheduleInput({ name: 'New' }),
    });
    expect(second).toMatchObject({ version: 2, name: 'New', description: null, window_start_hour: null });
    expect(second.created_at).toBe(first.created_at);
    expect(await outbox()).toHaveLength(2);
    expect((await audit())[0]).toMatchObject({ action: 'schedule.replace', before: first, after: second });
  });

  it.each([
    ['a version that is past', { expectedVersion: 7 }, 'precondition_failed', []],
    ['a schedule that does not exist', { id: 'nowhere' }, 'not_found', []],
    ['another id', { schedule: scheduleInput({ id: 'other' }) }, 'invalid_request', ['/id immutable']],
    ['bad input', { schedule: scheduleInput({ timezone: 'X' }) }, 'invalid_request', ['/timezone invalid_timezone']],
  ])('refuses %s and writes nothing', async (_name, changes, code, fields) => {
    const { deps, ctx, rows } = await setupShop();
    await createSchedule(deps, ctx, scheduleInput({ id: 'n' }));
    const before = await rows();
    const input = { id: 'n', expectedVersion: 1, schedule: scheduleInput(), ...changes };
    expect(await refusalOf(replaceSchedule(deps, ctx, input))).toMatchObject({ code, fields });
    expect(await rows()).toEqual(before);
  });

  it('lets one of two authors of the same version win', async () => {
    const { deps, ctx } = await setupShop();
    await createSchedule(deps, ctx, scheduleInput({ id: 'n' }));
    const attempt = (name: string) =>
      replaceSchedule(deps, ctx, { id: 'n', expectedVersion: 1, schedule: scheduleInput({ name }) });
    const results = await Promise.allSettled([attempt('A'), attempt('B')]);
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await getSchedule(deps, ctx, { id: 'n' })).version).toBe(2);
  });

  it('forgets no tick that is due because of another change, and counts anew when the time changes', async () => {
    const { deps, ctx, sql } = await setupShop();
    await createSchedule(deps, ctx, scheduleInput({ id: 'n' }));
    await sql`UPDATE schedules SET next_due_at = '2026-01-01T02:00:00Z'`;
    const change = (changes: object) =>
      replaceSchedule(deps, ctx, { id: 'n', expectedVersion: null, schedule: scheduleInput(changes) });
    expect((await change({ name: 'Renamed' })).next_due_at).toBe('2026-01-01T02:00:00.000Z');
    expect((await change({ cron_expression: '0 4 * * *' })).next_due_at).toMatch(/T04:00:00.000Z$/);
  });
});

describe('patchSchedule', () => {
  const full = {
    id: 'n',
    description: 'Long',
    window_start_hour: 1,
    window_end_hour: 5,
    halt_on_task_failure: false,
    tasks: ['INDEX_REBUILD', { type: 'STATISTICS_UPDATE', config: { max_tables: 9 } }],
  };

  it('changes what it names, takes null back to the default and leaves the rest', async () => {
    const { deps, ctx, audit } = await setupShop();
    const first = await createSchedule(deps, ctx, scheduleInput(full));
    const patch = { name: 'Patched', description: null, window_start_hour: 2, halt_on_task_failure: null };
    const second = await patchSchedule(deps, ctx, { id: 'n', expectedVersion: 1, patch });
    expect(second).toEqual({
      ...first,
      name: 'Patched',
      description: null,
      window_start_hour: 2,
      halt_on_task_failure: true,
      version: 2,
      updated_at: second.updated_at,
    });
    expect((await audit())[0]).toMatchObject({ action: 'schedule.patch', before: first, after: second });
  });

  it('replaces arrays, merges labels, and moves from ids to labels when told both', async () => {
    const { deps, ctx } = await setupShop();
    await createSchedule(deps, ctx, scheduleInput(full));
    const apply = (patch: Record<string, unknown>) =>
      patchSchedule(deps, ctx, { id: 'n', expectedVersion: null, patch });
    expect((await apply({ tasks: ['MVCC_CLEANUP'] })).tasks.map(({ type }) => type)).toEqual(['MVCC_CLEANUP']);
    expect(await apply({ target_ids: null, target_labels: { env: 'prod', team: 'a' } })).toMatchObject({
      target_ids: null,
      target_labels: { env: 'prod', team: 'a' },
    });
    expect((await apply({ target_labels: { team: null, tier: '1' } })).target_labels).toEqual({
      env: 'prod',
      tier: '1',
    });
  });

  it('an empty patch keeps the content', async () => {
    const { deps, ctx } = await setupShop();
    const first = await createSchedule(deps, ctx, scheduleInput(full));
    const second = await patchSchedule(deps, ctx, { id: 'n', expectedVersion: 1, patch: {} });
    expect(second).toEqual({ ...first, version: 2, updated_at: second.updated_at });
  });

  it.each([
    [{ speed: 1 }, ['/speed unknown_field']],
    [{ version: 9 }, ['/version unknown_field']],
    [{ name: null }, ['/name required']],
    [{ id: 'other' }, ['/id immutable']],
    [{ window_end_hour: null }, ['/window_end_hour both_or_none']],
    [{ target_labels: { env: 'prod' } }, ['/target_ids exactly_one']],
    [{ target_ids: null }, ['/target_ids exactly_one']],
    [{ cron_expression: 'H * * * *' }, ['/cron_expression invalid_cron_expression']],
    [{ tasks: [{ type: 'INDEX_REBUILD', config: { max_indexes: 0 } }] }, ['/tasks/0/config/max_indexes too_small']],
  ])('refuses %j and writes nothing', async (patch, fields) => {
    const { deps, ctx, rows } = await setupShop();
    await createSchedule(deps, ctx, scheduleInput(full));
    const before = await rows();
    const refusal = await refusalOf(patchSchedule(deps, ctx, { id: 'n', expectedVersion: 1, patch }));
    expect(refusal).toMatchObject({ code: 'invalid_request', fields });
    expect(await rows()).toEqual(before);
  });
});

describe('enableSchedule and disableSchedule', () => {
  it('switch the due time, tell the timer, and change nothing the second time', async () => {
    const { deps, ctx, outbox, audit } = await setupShop();
    await createSchedule(deps, ctx, scheduleInput({ id: 'n' }));
    const disabled = await disableSchedule(deps, ctx, { id: 'n' });
    expect(disabled).toMatchObject({ enabled: false, next_due_at: null, version: 2 });
    expect(await disableSchedule(deps, ctx, { id: 'n' })).toEqual(disabled);
    const enabled = await enableSchedule(deps, ctx, { id: 'n' });
    expect(enabled).toMatchObject({ enabled: true, version: 3 });
    expect(enabled.next_due_at).not.toBeNull();
    expect(await outbox()).toHaveLength(3);
    const actions = (await audit()).map(({ action, reason }) => [action, reason]);
    expect(actions.slice(0, 3)).toEqual([
      ['schedule.enable', null],
      ['schedule.disable', 'was so already'],
      ['schedule.disable', null],
    ]);
    expect(await refusalOf(enableSchedule(deps, ctx, { id: 'nowhere' }))).toMatchObject({ code: 'not_found' });
  });
});

describe('deleteSchedule', () => {
  it('deletes the version its author saw, and tells the timer', async () => {
    const { deps, ctx, outbox, audit } = await setupShop();
    const created = await createSchedule(deps, ctx, scheduleInput({ id: 'n' }));
    const stale = deleteSchedule(deps, ctx, { id: 'n', expectedVersion: 9 });
    expect(await refusalOf(stale)).toMatchObject({ code: 'precondition_failed' });
    expect(await deleteSchedule(deps, ctx, { id: 'n', expectedVersion: 1 })).toBeNull();
    expect(await refusalOf(getSchedule(deps, ctx, { id: 'n' }))).toMatchObject({ code: 'not_found' });
    expect(await outbox()).toHaveLength(2);
    expect((await audit())[0]).toMatchObject({ action: 'schedule.delete', before: created, after: null });
  });
});

describe('listSchedules', () => {
  it('pages newest first, and filters', async () => {
    const { deps, ctx } = await setupShop();
    for (const id of ['a', 'b', 'c'])
      await createSchedule(deps, ctx, scheduleInput({ id, name: id, enabled: id !== 'b' }));
    const first = await listSchedules(deps, ctx, { limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual(['c', 'b']);
    const second = await listSchedules(deps, ctx, { limit: 2, cursor: first.next_cursor ?? '' });
    expect(second).toMatchObject({ items: [{ id: 'a' }], next_cursor: null });
    expect((await listSchedules(deps, ctx, { limit: 9, enabled: false })).items.map(({ id }) => id)).toEqual(['b']);
    expect((await listSchedules(deps, ctx, { limit: 9, name: 'c' })).items.map(({ id }) => id)).toEqual(['c']);
  });
});

describe('nextFirings', () => {
  it('tells due times in both zones and whether the window will be open', async () => {
    const { deps, ctx } = await setupShop();
    const input = scheduleInput({
      id: 'n',
      cron_expression: '0 1,12 * * *',
      window_start_hour: 0,
      window_end_hour: 6,
      enabled: false,
    });
    await createSchedule(deps, ctx, ScheduleInput.parse({ ...input, timezone: 'Asia/Kolkata' }));
    const { items, timezone } = await nextFirings(deps, ctx, { id: 'n', count: 4 });
    expect(timezone).toBe('Asia/Kolkata');
    expect(items).toHaveLength(4);
    for (const { due_at, local, within_window } of items) {
      expect(local).toMatch(/T(01|12):00:00\+05:30$/);
      expect(new Date(local).toISOString()).toBe(due_at);
      // 12:00 in Kolkata is 06:30 UTC, 01:00 is 19:30 UTC.
      expect(within_window).toBe(false);
    }
    expect(items.map(({ due_at }) => due_at)).toEqual(items.map(({ due_at }) => due_at).toSorted());
  });
});
