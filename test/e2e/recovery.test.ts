import type { Job } from '@slacktide/contract';
import { describe, expect, it } from 'vitest';
import { startFleet } from './support/fleet.ts';

/** ANALYZE of this table takes as long as somebody holds the advisory lock 1. */
const held = `
  CREATE FUNCTION held(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN $1; END $$;
  CREATE TABLE held_table (i int) WITH (autovacuum_enabled = off);
  INSERT INTO held_table SELECT i FROM generate_series(1, 100) i;
  CREATE INDEX ON held_table (held(i));
`;

const analysing = `
  SELECT pid FROM pg_stat_activity WHERE datname = current_database()
    AND application_name LIKE 'slacktide/statistics_update/%' AND query LIKE 'ANALYZE%' AND state = 'active'`;

describe('a worker killed in the middle of a statement', () => {
  it('is replaced: another one makes sure that it is over, does the work again, and the job succeeds', async () => {
    const fleet = await startFleet({ targetSql: held, env: { LEASE_SECONDS: '3' } });
    const holder = await fleet.target.connect();
    await holder.query('SELECT pg_advisory_lock(1)');
    const { id } = await fleet.api.post<Job>(
      '/api/v1/admin/maintenance',
      { operation: 'analyze', tables: ['held_table'] },
      202,
    );
    await expect.poll(async () => (await fleet.target.query(analysing)).rowCount, { timeout: 30_000 }).toBe(1);
    const [first] = fleet.workers;
    first?.kill('SIGKILL');
    await fleet.startWorker();
    const redriven = await fleet.api.watch(id, ({ generation }) => generation === 2);
    expect(redriven.tasks).toMatchObject([{ crashes: 1 }]);
    await holder.query('SELECT pg_advisory_unlock(1)');
    holder.release();
    const job = await fleet.api.watch(id);
    expect(job).toMatchObject({
      state: 'SUCCEEDED',
      generation: 2,
      tasks: [{ state: 'SUCCEEDED', crashes: 1, attempt: 2, steps: [{ state: 'SUCCEEDED' }] }],
    });
    expect((await fleet.target.query(analysing)).rowCount).toBe(0);
  });
});
