import { describe, expect, it } from 'vitest';
import { vacuumAway } from '../support/vacuum.ts';
import { startFleet } from './support/fleet.ts';
import { bloatedShop } from './support/shop.ts';

const indexState = `SELECT pg_relation_filenode(i.indexrelid) AS filenode, pg_relation_size(i.indexrelid) AS bytes, i.indisvalid AS valid
  FROM pg_index i WHERE i.indexrelid = 'orders_placed_at'::regclass`;
const analyzedAt = `SELECT last_analyze FROM pg_stat_user_tables WHERE relname = 'orders'`;

describe('a schedule made over REST', () => {
  it('rebuilds the index and refreshes the statistics, in order, with history, audit, health and metrics to show for it', async () => {
    const fleet = await startFleet({ targetSql: bloatedShop });
    // What VACUUM leaves: pages that are free but stay in the file.
    await vacuumAway(fleet.target, 'orders');
    const before = (await fleet.target.query(indexState)).rows[0];
    expect((await fleet.target.query(analyzedAt)).rows[0].last_analyze).toBeNull();

    await fleet.api.post(
      '/schedules',
      {
        id: 'nightly',
        name: 'Nightly',
        cron_expression: '0 3 * * *',
        timezone: 'Europe/Berlin',
        target_ids: ['shop'],
        tasks: ['INDEX_REBUILD', { type: 'STATISTICS_UPDATE' }],
      },
      201,
    );
    const job = await fleet.api.watch(await fleet.api.run('nightly'));

    expect(job).toMatchObject({
      state: 'SUCCEEDED',
      schedule_id: 'nightly',
      target_id: 'shop',
      trigger: 'manual',
      reason: null,
    });
    expect(job.tasks.map(({ type, state, attempt, progress }) => ({ type, state, attempt, progress }))).toEqual([
      { type: 'INDEX_REBUILD', state: 'SUCCEEDED', attempt: 1, progress: 100 },
      { type: 'STATISTICS_UPDATE', state: 'SUCCEEDED', attempt: 1, progress: 100 },
    ]);
    const [rebuild, statistics] = job.tasks;
    expect(rebuild?.steps.map(({ object, state }) => [object, state])).toContainEqual([
      'public.orders_placed_at',
      'SUCCEEDED',
    ]);
    expect(Date.parse(statistics?.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(rebuild?.finished_at ?? ''));

    const after = (await fleet.target.query(indexState)).rows[0];
    expect(after.valid).toBe(true);
    expect(after.filenode).not.toBe(before.filenode);
    expect(Number(after.bytes)).toBeLessThan(Number(before.bytes) / 2);
    expect((await fleet.target.query(analyzedAt)).rows[0].last_analyze).not.toBeNull();

    const audit = await fleet.api.get<{
      items: { action: string; entity_id: string; after: { state?: string } | null }[];
    }>(`/audit?entity=job&entity_id=${job.id}&limit=200`);
    expect(audit.items[0]?.after?.state).toBe('SUCCEEDED');
    expect(audit.items.at(-1)?.after?.state).toBe('PENDING');
    const history = await fleet.api.get<{ items: { id: string }[] }>('/jobs?schedule_id=nightly&state=SUCCEEDED');
    expect(history.items.map(({ id }) => id)).toEqual([job.id]);
  });

  it('shows halting: the second task is SKIPPED after a failure, and runs without halting', async () => {
    const fleet = await startFleet({ targetSql: bloatedShop });
    const tasks = [{ type: 'INDEX_REBUILD', config: { indexes: ['public.no_such_index'] } }, 'STATISTICS_UPDATE'];
    for (const halt of [true, false]) {
      const id = `halt-${halt}`;
      await fleet.api.post(
        '/schedules',
        { id, name: id, cron_expression: '@daily', target_ids: ['shop'], tasks, halt_on_task_failure: halt },
        201,
      );
    }
    const halted = await fleet.api.watch(await fleet.api.run('halt-true'));
    expect(halted.state).toBe('FAILED');
    expect(halted.tasks.map(({ state, reason }) => [state, reason])).toEqual([
      ['FAILED', null],
      ['SKIPPED', 'halted'],
    ]);
    const went = await fleet.api.watch(await fleet.api.run('halt-false'));
    expect(went.state).toBe('FAILED');
    expect(went.tasks.map(({ state }) => state)).toEqual(['FAILED', 'SUCCEEDED']);
  });

  it('fires by itself, and is SKIPPED outside its window', async () => {
    const fleet = await startFleet({ targetSql: bloatedShop });
    const hour = new Date().getUTCHours();
    const everySecond = { cron_expression: '* * * * * *', target_ids: ['shop'], tasks: ['METRICS_COLLECTION'] };
    await fleet.api.post('/schedules', { ...everySecond, id: 'open', name: 'open' }, 201);
    await fleet.api.post(
      '/schedules',
      {
        ...everySecond,
        id: 'shut',
        name: 'shut',
        window_start_hour: (hour + 2) % 24,
        window_end_hour: (hour + 3) % 24,
      },
      201,
    );
    const first = async (query: string): Promise<string> => {
      for (;;) {
        const { items } = await fleet.api.get<{ items: { id: string }[] }>(`/jobs?${query}`);
        if (items[0] !== undefined) return items[0].id;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    const ran = await fleet.api.watch(await first('schedule_id=open&state=SUCCEEDED'));
    expect(ran).toMatchObject({ trigger: 'schedule', state: 'SUCCEEDED' });
    const skipped = await fleet.api.job(await first('schedule_id=shut'));
    expect(skipped).toMatchObject({
      trigger: 'schedule',
      state: 'SKIPPED',
      reason: 'outside_window',
      started_at: null,
    });
    expect(skipped.tasks).toMatchObject([{ state: 'SKIPPED', reason: 'outside_window' }]);
  });
});
