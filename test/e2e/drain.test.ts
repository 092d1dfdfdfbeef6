import { describe, expect, it } from 'vitest';
import { startFleet } from './support/fleet.ts';

/** Each row of the sample takes 0.2 s: long enough to be met by a SIGTERM, in steps that a test can see. */
const slowTable = `
  CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN $1; END $$;
  CREATE TABLE slow_table (i int) WITH (autovacuum_enabled = off);
  CREATE INDEX ON slow_table (slow(i));
  INSERT INTO slow_table SELECT i FROM generate_series(1, 10) i;
`;
const running = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/statistics_update/%' AND query LIKE 'ANALYZE%' AND state = 'active'`;

async function setup(drainSeconds: number) {
  const fleet = await startFleet({ targetSql: slowTable, env: { DRAIN_SECONDS: String(drainSeconds) } });
  const [worker] = fleet.workers;
  if (worker === undefined) throw new Error('no worker');
  await fleet.api.post(
    '/schedules',
    {
      id: 'slow',
      name: 'slow',
      cron_expression: '@daily',
      target_ids: ['shop'],
      tasks: [{ type: 'STATISTICS_UPDATE', config: { tables: ['slow_table'] } }],
    },
    201,
  );
  const id = await fleet.api.run('slow');
  await expect.poll(async () => (await fleet.target.query(running)).rowCount, { timeout: 20_000 }).toBe(1);
  return { fleet, worker, id };
}

describe('SIGTERM to a worker', () => {
  it('lets the task in hand end, writes its outcome and exits with 0', async () => {
    const { fleet, worker, id } = await setup(20);
    expect(await worker.stop()).toBe(0);
    expect(await fleet.api.job(id)).toMatchObject({ tasks: [{ state: 'SUCCEEDED', attempt: 1 }] });
  });

  it('after the drain time cancels the statement and hands the task to another worker', async () => {
    const { fleet, worker, id } = await setup(0);
    expect(await worker.stop()).toBe(0);
    expect((await fleet.target.query(running)).rowCount).toBe(0);
    await fleet.startWorker();
    expect(await fleet.api.watch(id)).toMatchObject({
      state: 'SUCCEEDED',
      tasks: [{ state: 'SUCCEEDED', attempt: 2 }],
    });
  });
});
