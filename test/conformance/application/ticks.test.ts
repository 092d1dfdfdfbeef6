import {
  armFailpoints,
  createSchedule,
  deleteSchedule,
  disableSchedule,
  fireDueTicks,
  replaceSchedule,
  taskTypeCatalog,
} from '@slacktide/application';
import { describe, expect, it, onTestFinished } from 'vitest';
import { scheduleInput, setup } from './setup.ts';

type Changes = Parameters<typeof scheduleInput>[0];

/** A schedule for two targets that fires every hour, and came due `secondsAgo` by the ledger's clock. */
async function setupDue(secondsAgo: number, changes: Changes = {}) {
  const it = await setup();
  await it.registerTarget('a');
  await it.registerTarget('b');
  const input = (more: Changes = {}) =>
    scheduleInput({ id: 's', cron_expression: '0 * * * *', target_ids: ['a', 'b'], ...changes, ...more });
  await createSchedule(it.deps, it.ctx, input());
  const dueAgain = (agoSeconds: number) =>
    it.sql`UPDATE schedules SET next_due_at = date_trunc('milliseconds', now() - make_interval(secs => ${agoSeconds}))`;
  await dueAgain(secondsAgo);
  /** Newest first. */
  const jobs = async () => (await it.deps.ledger.jobs.list({ limit: 200 }, { scheduleId: 's' })).items;
  const ends = async () => (await jobs()).map(({ state, reason }) => reason ?? state);
  const fire = () => fireDueTicks(it.deps, it.ctx, 100);
  return { ...it, input, dueAgain, jobs, ends, fire };
}
const hourMs = 3_600_000;

describe('fireDueTicks', () => {
  it('makes one job for each target of a due tick, moves the schedule on, and says so', async () => {
    const { fire, jobs, outbox, audit, deps } = await setupDue(1);
    expect(await fire()).toMatchObject({
      fired: [{ scheduleId: 's', targets: 2, jobs: 2, neverStarted: [], latenessSeconds: expect.any(Number) }],
      failed: [],
      more: false,
    });
    const made = await jobs();
    expect(made.map(({ targetId }) => targetId).toSorted()).toEqual(['a', 'b']);
    expect(made).toMatchObject([
      { state: 'PENDING', reason: null, trigger: 'schedule', afterJobId: null },
      { state: 'PENDING', reason: null, trigger: 'schedule', afterJobId: null },
    ]);
    expect((await outbox()).filter(({ kind }) => kind === 'flow.add')).toHaveLength(2);
    const moved = await deps.ledger.schedules.get('s');
    expect(moved?.nextDueAt?.getTime()).toBeGreaterThan(Date.now());
    expect(moved?.lastTickAt).toEqual(made[0]?.scheduledFor);
    const events = (await audit()).slice(0, 3);
    expect(events.map(({ action }) => action).toSorted()).toEqual(['job.create', 'job.create', 'schedule.tick']);
    expect(new Set(events.map(({ traceId }) => traceId)), 'a tick is one trace').toEqual(new Set([made[0]?.traceId]));
    const before = await audit();
    expect(await fire()).toEqual({ fired: [], failed: [], more: false });
    expect(await audit(), 'nothing due, nothing told').toEqual(before);
  });

  it('makes each tick once, however many fire at the same moment', async () => {
    const { fire, jobs } = await setupDue(1);
    const batches = await Promise.all(Array.from({ length: 8 }, fire));
    expect(batches.flatMap(({ fired }) => fired)).toHaveLength(1);
    expect(await jobs()).toHaveLength(2);
  });

  it('has many schedules share a few batches, each tick in a trace of its own', async () => {
    const { deps, ctx, sql, input } = await setupDue(1);
    for (let n = 0; n < 24; n += 1) await createSchedule(deps, ctx, input({ id: `s${n}` }));
    await sql`UPDATE schedules SET next_due_at = date_trunc('milliseconds', now()) - interval '1 second'`;
    const sizes = async (): Promise<readonly number[]> => {
      const { fired, more } = await fireDueTicks(deps, ctx, 10);
      return more ? [fired.length, ...(await sizes())] : [fired.length];
    };
    const both = await Promise.all([sizes(), sizes()]);
    expect(both.flat().reduce((sum, size) => sum + size)).toBe(25);
    expect(await sql`SELECT count(*)::int FROM jobs`).toEqual([{ count: 50 }]);
    expect(await sql`SELECT count(DISTINCT trace_id)::int FROM jobs`).toEqual([{ count: 25 }]);
    expect(await sql`SELECT FROM schedules WHERE next_due_at <= now()`).toHaveLength(0);
  });

  it('has no effect before the due time, or on a disabled schedule', async () => {
    const { fire, jobs, sql } = await setupDue(-3600);
    expect(await fire()).toMatchObject({ fired: [] });
    await sql`UPDATE schedules SET enabled = false, next_due_at = NULL`;
    expect(await fire()).toMatchObject({ fired: [] });
    expect(await jobs()).toEqual([]);
  });

  it('keeps one schedule that cannot be fired from holding up the others, and leaves it due', async () => {
    const { fire, deps, ctx, sql, input, dueAgain } = await setupDue(1);
    for (const id of ['odd', 'wrong', 't']) await createSchedule(deps, ctx, input({ id }));
    await dueAgain(1);
    // One cannot be worked out: its zone is no longer known. One cannot be written: its tasks have no type.
    await sql`UPDATE schedules SET timezone = 'Mars/Olympus' WHERE id = 'odd'`;
    await sql`UPDATE schedules SET tasks = '[{"key": "a", "config": {}, "needs": []}]' WHERE id = 'wrong'`;
    const { fired, failed } = await fire();
    expect(fired.map(({ scheduleId }) => scheduleId).toSorted()).toEqual(['s', 't']);
    expect(new Set(failed.map(({ scheduleId }) => scheduleId))).toEqual(new Set(['odd', 'wrong']));
    expect(await sql`SELECT id FROM schedules WHERE next_due_at <= now() ORDER BY id`).toEqual([
      { id: 'odd' },
      { id: 'wrong' },
    ]);
    expect(await fire()).toMatchObject({ fired: [], more: false });
  });

  it('is all or nothing: one that breaks off before the commit leaves the tick due, one after it leaves it written', async () => {
    const { fire, jobs } = await setupDue(1);
    onTestFinished(() => armFailpoints(undefined));
    armFailpoints('tick.before_commit:throw');
    expect(await fire()).toMatchObject({ fired: [], failed: [{ scheduleId: 's' }] });
    expect(await jobs()).toEqual([]);
    armFailpoints('tick.after_commit:throw');
    await fire();
    expect(await jobs()).toHaveLength(2);
    expect(await fire()).toMatchObject({ fired: [], failed: [] });
    expect(await jobs()).toHaveLength(2);
  });

  it('tells the audit log of a tick that has no target', async () => {
    const { fire, audit, jobs } = await setupDue(1, { target_ids: null, target_labels: { tier: 'gold' } });
    expect(await fire()).toMatchObject({ fired: [{ targets: 0, jobs: 0 }] });
    expect((await audit())[0]).toMatchObject({ action: 'schedule.tick', reason: 'no target', after: { targets: 0 } });
    expect(await jobs()).toEqual([]);
  });

  it('gives a tick outside the window its row, SKIPPED, and nothing to the relay', async () => {
    const hour = new Date().getUTCHours();
    const window = { window_start_hour: (hour + 3) % 24, window_end_hour: (hour + 5) % 24 };
    const { fire, ends, outbox } = await setupDue(1, window);
    expect(await fire()).toMatchObject({ fired: [{ neverStarted: ['INDEX_REBUILD', 'INDEX_REBUILD'] }] });
    expect(await ends()).toEqual(['outside_window', 'outside_window']);
    expect((await outbox()).filter(({ kind }) => kind === 'flow.add')).toEqual([]);
  });
});

describe('misfires', () => {
  const lateByThreeHours = 3 * 3600 + 1;
  it.each<[string, Changes, string[]]>([
    ['run_once runs the latest', {}, ['PENDING', 'missed', 'missed']],
    ['run_all runs all', { misfire_policy: 'run_all' }, ['PENDING', 'PENDING', 'PENDING']],
    ['run_all runs as many as it may', { misfire_policy: 'run_all', misfire_max: 2 }, ['PENDING', 'PENDING', 'missed']],
    [
      'skip runs none that is late',
      { misfire_policy: 'skip', cron_expression: '30 * * * *' },
      ['missed', 'missed', 'missed'],
    ],
  ])('%s, and every other tick has its row', async (_, changes, newest) => {
    const { fire, ends, dueAgain, sql } = await setupDue(lateByThreeHours, { target_ids: ['a'], ...changes });
    if (changes?.misfire_policy === 'skip') {
      // A cron whose latest firing is half an hour past, whenever this runs.
      await sql`UPDATE schedules SET cron_expression = extract(minute FROM now() - interval '30 minutes') || ' * * * *'`;
      await dueAgain(lateByThreeHours);
    }
    await fire();
    const all = await ends();
    expect(all.length).toBeGreaterThanOrEqual(4);
    expect(all.slice(0, 3)).toEqual(newest);
  });

  it('catches up with nothing that is too late', async () => {
    const { fire, jobs } = await setupDue(lateByThreeHours, {
      target_ids: ['a'],
      misfire_policy: 'run_all',
      catch_up_seconds: 7_200,
    });
    await fire();
    const now = Date.now();
    const made = await jobs();
    expect(made.length).toBeGreaterThanOrEqual(4);
    for (const { scheduledFor, reason } of made) {
      expect(reason).toBe(now - scheduledFor.getTime() > 2 * hourMs ? 'missed' : null);
    }
  });
});

describe('overlap', () => {
  const twice = async (changes: Changes) => {
    const it = await setupDue(1, { target_ids: ['a'], ...changes });
    await it.fire();
    await it.dueAgain(0);
    await it.fire();
    return it;
  };

  it('skip leaves a tick out while an earlier job is open, and no longer', async () => {
    const { ends, sql, dueAgain, fire } = await twice({});
    expect(await ends()).toEqual(['overlap', 'PENDING']);
    await sql`UPDATE jobs SET state = 'SUCCEEDED', finished_at = now() WHERE state = 'PENDING'`;
    await dueAgain(0);
    await fire();
    expect(await ends()).toEqual(['PENDING', 'overlap', 'SUCCEEDED']);
  });

  it('queue has each wait for the one before', async () => {
    const { jobs, dueAgain, fire } = await twice({ overlap_policy: 'queue' });
    await dueAgain(0);
    await fire();
    const [third, second, first] = await jobs();
    expect([third, second, first]).toMatchObject([
      { state: 'PENDING', afterJobId: second?.id },
      { state: 'PENDING', afterJobId: first?.id },
      { state: 'PENDING', afterJobId: null },
    ]);
  });

  it('allow lets them run beside each other', async () => {
    const { jobs } = await twice({ overlap_policy: 'allow' });
    expect(await jobs()).toMatchObject([
      { state: 'PENDING', afterJobId: null },
      { state: 'PENDING', afterJobId: null },
    ]);
  });

  it('ticks caught up with together run one after the other, under skip too', async () => {
    const { fire, jobs } = await setupDue(2 * 3600 + 1, { target_ids: ['a'], misfire_policy: 'run_all' });
    await fire();
    const made = (await jobs()).toReversed();
    expect(made.length).toBeGreaterThanOrEqual(3);
    for (const [position, job] of made.entries()) {
      expect(job).toMatchObject({ state: 'PENDING', afterJobId: made[position - 1]?.id ?? null });
    }
  });

  it('ticks caught up with while an earlier job is open are all left out under skip', async () => {
    const { fire, ends, dueAgain } = await setupDue(1, { target_ids: ['a'], misfire_policy: 'run_all' });
    await fire();
    // Behind the first job, whose tick is a second old.
    await dueAgain(-1);
    await dueAgain(2 * 3600 + 2);
    await fire();
    expect(new Set(await ends())).toEqual(new Set(['overlap', 'PENDING']));
    expect((await ends()).filter((end) => end === 'PENDING')).toHaveLength(1);
  });
});

describe('a tick that is due when its schedule', () => {
  it('is disabled has its row, SKIPPED', async () => {
    const { deps, ctx, ends, fire } = await setupDue(1);
    await disableSchedule(deps, ctx, { id: 's' });
    expect(await ends()).toEqual(['disabled', 'disabled']);
    expect(await fire()).toMatchObject({ fired: [] });
  });

  it('is deleted has its row, SKIPPED, and those before it are missed', async () => {
    const { deps, ctx, ends, audit } = await setupDue(3 * 3600, { target_ids: ['a'] });
    await deleteSchedule(deps, ctx, { id: 's', expectedVersion: null });
    const [latest, ...missed] = await ends();
    expect(latest).toBe('disabled');
    expect(missed.length).toBeGreaterThanOrEqual(2);
    expect(new Set(missed)).toEqual(new Set(['missed']));
    const actions = (await audit()).map(({ action }) => action);
    expect(actions.slice(0, missed.length + 3)).toEqual(expect.arrayContaining(['schedule.delete', 'schedule.tick']));
  });

  it('changes its time runs as the schedule was', async () => {
    const { deps, ctx, jobs, input, outbox } = await setupDue(1, { target_ids: ['a'] });
    const schedule = input({ cron_expression: '0 4 * * *', tasks: ['CHECKPOINT'], target_ids: ['b'] });
    const changed = await replaceSchedule(deps, ctx, { id: 's', expectedVersion: 1, schedule });
    expect(changed.next_due_at).toMatch(/T04:00:00.000Z$/);
    expect(await jobs()).toMatchObject([{ state: 'PENDING', targetId: 'a', tasks: [{ type: 'INDEX_REBUILD' }] }]);
    expect((await outbox()).filter(({ kind }) => kind === 'flow.add')).toHaveLength(1);
  });

  it('changes otherwise is fired later, once', async () => {
    const { deps, ctx, jobs, input, fire } = await setupDue(1);
    await replaceSchedule(deps, ctx, { id: 's', expectedVersion: 1, schedule: input({ name: 'New' }) });
    expect(await jobs()).toEqual([]);
    await fire();
    expect(await jobs()).toHaveLength(2);
  });
});

describe('a tick of a schedule with a task that is switched off', () => {
  const off = (deps: Awaited<ReturnType<typeof setupDue>>['deps']) => ({
    ...deps,
    taskTypes: taskTypeCatalog(
      deps.taskTypes
        .list()
        .map((type) => (type.type === 'INDEX_REBUILD' ? { ...type, offUnless: 'CUSTOM_TASKS' as const } : type)),
    ),
  });

  it('has its row, SKIPPED, and nothing of it is dispatched', async () => {
    const { deps, ctx, ends, outbox, jobs } = await setupDue(1);
    expect(await fireDueTicks(off(deps), ctx, 100)).toMatchObject({
      fired: [{ jobs: 2, neverStarted: ['INDEX_REBUILD', 'INDEX_REBUILD'] }],
    });
    expect(await ends()).toEqual(['task_type_off', 'task_type_off']);
    expect((await jobs()).map(({ tasks }) => tasks.map(({ state }) => state))).toEqual([['SKIPPED'], ['SKIPPED']]);
    expect((await outbox()).filter(({ kind }) => kind === 'flow.add')).toEqual([]);
  });

  it('is not let through by a change of the schedule either', async () => {
    const { deps, ctx, ends, input } = await setupDue(1);
    const schedule = input({ cron_expression: '0 4 * * *', tasks: ['CHECKPOINT'] });
    await replaceSchedule(off(deps), ctx, { id: 's', expectedVersion: 1, schedule });
    expect(await ends()).toEqual(['task_type_off', 'task_type_off']);
  });

  it('runs where it is switched on', async () => {
    const { deps, ctx, ends } = await setupDue(1);
    const types = off(deps).taskTypes.list();
    const on = { ...deps, taskTypes: taskTypeCatalog(types, { switchedOn: ['CUSTOM_TASKS'] }) };
    await fireDueTicks(on, ctx, 100);
    expect(await ends()).toEqual(['PENDING', 'PENDING']);
  });
});
