import { createSchedule, fireTicks } from '@slacktide/application';
import { describe, expect, it } from 'vitest';
import { scheduleInput, setup } from './setup.ts';

/** A schedule for two targets that fires every hour, and came due `secondsAgo` by the ledger's clock. */
async function setupDue(secondsAgo: number, changes: Parameters<typeof scheduleInput>[0] = {}) {
  const it = await setup();
  await it.registerTarget('a');
  await it.registerTarget('b');
  const schedule = await createSchedule(
    it.deps,
    it.ctx,
    scheduleInput({ id: 's', cron_expression: '0 * * * *', target_ids: ['a', 'b'], ...changes }),
  );
  await it.sql`UPDATE schedules SET next_due_at = date_trunc('milliseconds', now() - make_interval(secs => ${secondsAgo}))`;
  const jobs = async () =>
    (await it.deps.ledger.jobs.list({ limit: 200 }, { scheduleId: 's' })).items.map(
      ({ targetId, state, reason, trigger }) => ({ targetId, state, reason, trigger }),
    );
  return { ...it, schedule, jobs, fire: () => fireTicks(it.deps, it.ctx, 's') };
}

describe('fireTicks', () => {
  it('makes one job for each target of a due tick, and moves the schedule on', async () => {
    const { fire, jobs, outbox, deps } = await setupDue(1);
    expect(await fire()).toMatchObject({ kind: 'fired', jobs: 2 });
    expect(await jobs()).toEqual([
      { targetId: expect.any(String), state: 'PENDING', reason: null, trigger: 'schedule' },
      { targetId: expect.any(String), state: 'PENDING', reason: null, trigger: 'schedule' },
    ]);
    expect((await outbox()).filter(({ kind }) => kind === 'flow.add')).toHaveLength(2);
    const moved = await deps.ledger.schedules.get('s');
    expect(moved?.nextDueAt?.getTime()).toBeGreaterThan(Date.now());
    expect(moved?.lastTickAt).not.toBeNull();
    expect(await fire()).toMatchObject({ kind: 'not_due' });
  });

  it('makes the tick once, however many fire it at the same moment', async () => {
    const { fire, jobs } = await setupDue(1);
    const fired = await Promise.all(Array.from({ length: 8 }, fire));
    expect(fired.filter(({ kind }) => kind === 'fired')).toHaveLength(1);
    expect(await jobs()).toHaveLength(2);
  });

  it('has no effect before the due time, on a disabled schedule, or on one that does not exist', async () => {
    const { fire, jobs, sql, deps, ctx } = await setupDue(-3600);
    expect(await fire()).toMatchObject({ kind: 'not_due', dueInMs: expect.any(Number) });
    await sql`UPDATE schedules SET enabled = false, next_due_at = NULL`;
    expect(await fire()).toEqual({ kind: 'nothing' });
    expect(await fireTicks(deps, ctx, 'forged')).toEqual({ kind: 'nothing' });
    expect(await jobs()).toEqual([]);
  });

  it('gives a tick outside the window its row, SKIPPED, and nothing to the relay', async () => {
    const hour = new Date().getUTCHours();
    const { fire, jobs, outbox } = await setupDue(1, {
      window_start_hour: (hour + 3) % 24,
      window_end_hour: (hour + 5) % 24,
    });
    await fire();
    expect(await jobs()).toMatchObject([
      { state: 'SKIPPED', reason: 'outside_window' },
      { state: 'SKIPPED', reason: 'outside_window' },
    ]);
    expect((await outbox()).filter(({ kind }) => kind === 'flow.add')).toEqual([]);
  });

  it('gives every missed tick its row and runs the latest', async () => {
    const { fire, jobs } = await setupDue(3 * 3600 + 1, { target_ids: ['a'] });
    expect(await fire()).toMatchObject({ kind: 'fired' });
    const made = await jobs();
    expect(made[0]).toMatchObject({ state: 'PENDING' });
    expect(made.slice(1).length).toBeGreaterThanOrEqual(2);
    expect(made.slice(1).every(({ state, reason }) => state === 'SKIPPED' && reason === 'missed')).toBe(true);
  });

  it('does not start a run beside one that is still open', async () => {
    const { fire, jobs, sql } = await setupDue(1, { target_ids: ['a'] });
    await fire();
    await sql`UPDATE schedules SET next_due_at = date_trunc('milliseconds', now())`;
    await fire();
    expect(await jobs()).toMatchObject([{ state: 'SKIPPED', reason: 'overlap' }, { state: 'PENDING' }]);
  });
});
