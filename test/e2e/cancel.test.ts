import type { HealthReport } from '@slacktide/contract';
import { describe, expect, it } from 'vitest';
import { startFleet } from './support/fleet.ts';
import { bloatedShop } from './support/shop.ts';

const slowStatistics = `
  CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN $1; END $$;
  CREATE TABLE slow_table AS SELECT i FROM generate_series(1, 10) i;
  CREATE INDEX ON slow_table (slow(i));
  INSERT INTO slow_table SELECT i FROM generate_series(11, 30) i;
  ALTER TABLE slow_table SET (autovacuum_enabled = off);
`;

describe('cancel', () => {
  it('reaches the statement on the target, ends the job and skips the rest', async () => {
    const fleet = await startFleet({
      targetSql: `${bloatedShop} ${slowStatistics} CREATE OR REPLACE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(1); RETURN $1; END $$;`,
    });
    await fleet.api.post(
      '/schedules',
      {
        id: 'slow',
        name: 'slow',
        cron_expression: '@daily',
        target_ids: ['shop'],
        tasks: [{ type: 'STATISTICS_UPDATE', config: { tables: ['slow_table'] } }, 'METRICS_COLLECTION'],
      },
      201,
    );
    const id = await fleet.api.run('slow');
    const active = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/statistics_update/%' AND state = 'active' AND query LIKE 'ANALYZE%'`;
    await expect.poll(async () => (await fleet.target.query(active)).rowCount, { timeout: 20_000 }).toBe(1);

    await fleet.api.post(`/jobs/${id}/cancel`, undefined, 202);
    const job = await fleet.api.watch(id, undefined, 5_000);
    expect(job).toMatchObject({ state: 'CANCELLED', reason: 'cancelled' });
    expect(job.tasks.map(({ state, reason }) => [state, reason])).toEqual([
      ['CANCELLED', 'cancelled'],
      ['SKIPPED', 'cancelled'],
    ]);
    const held = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await expect.poll(async () => (await fleet.target.query(held)).rowCount).toBe(0);
    expect((await fleet.target.query(active)).rowCount).toBe(0);
  });

  it('ends a job that nobody has begun, although no worker serves its task', async () => {
    const fleet = await startFleet({ workerArgs: ['--tasks', 'CHECKPOINT'] });
    await fleet.api.post(
      '/schedules',
      { id: 'unserved', name: 'unserved', cron_expression: '@daily', target_ids: ['shop'], tasks: ['INDEX_REBUILD'] },
      201,
    );
    const id = await fleet.api.run('unserved');
    expect((await fleet.api.job(id)).state).toBe('PENDING');
    const queueHealth = async () => {
      const { modules } = await fleet.api.get<HealthReport>('/health');
      return modules.find(({ module }) => module === 'queue:index-rebuild')?.status;
    };
    await expect.poll(queueHealth, { timeout: 20_000 }).toBe('UNHEALTHY');
    await fleet.api.post(`/jobs/${id}/cancel`, undefined, 202);
    expect(await fleet.api.watch(id)).toMatchObject({ state: 'CANCELLED', reason: 'cancelled', started_at: null });
  });
});
