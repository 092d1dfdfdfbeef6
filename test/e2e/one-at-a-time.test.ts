import type { Job } from '@slacktide/contract';
import { describe, expect, it } from 'vitest';
import { startFleet } from './support/fleet.ts';

/** ANALYZE evaluates the index's expression for each row of its sample: so the target itself writes down who worked on it when. */
const witness = `
  CREATE TABLE witness (pid int NOT NULL, at timestamptz NOT NULL);
  CREATE FUNCTION write_down() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
    BEGIN INSERT INTO public.witness VALUES (pg_backend_pid(), clock_timestamp()); END $$;
  CREATE FUNCTION watched(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN
      PERFORM public.write_down();
      PERFORM pg_sleep(0.01);
      RETURN $1;
    END $$;
  CREATE TABLE watched_table (i int) WITH (autovacuum_enabled = off);
  INSERT INTO watched_table SELECT i FROM generate_series(1, 20) i;
  CREATE INDEX ON watched_table (watched(i));
  TRUNCATE witness;
`;

describe('two workers on one target', () => {
  it('never overlap two act tasks, by the witness on the target', async () => {
    const fleet = await startFleet({ workers: 2, targetSql: witness });
    const operations = Array.from({ length: 6 }, () =>
      fleet.api.post<Job>('/api/v1/admin/maintenance', { operation: 'analyze', tables: ['watched_table'] }, 202),
    );
    const jobs = await Promise.all((await Promise.all(operations)).map(({ id }) => fleet.api.watch(id)));
    expect(jobs.map(({ state }) => state)).toEqual(Array(6).fill('SUCCEEDED'));

    const { rows } = await fleet.target.query<{ pid: number; began: Date; ended: Date }>(
      'SELECT pid, min(at) AS began, max(at) AS ended FROM witness GROUP BY pid ORDER BY min(at)',
    );
    expect(rows).toHaveLength(6);
    for (const [position, { began }] of rows.entries()) {
      const previous = rows[position - 1];
      if (previous !== undefined) expect(began.getTime()).toBeGreaterThanOrEqual(previous.ended.getTime());
    }
  });
});
