import { migrateLedger } from '@slacktide/ledger';
import postgres from 'postgres';
import { expect, it, onTestFinished } from 'vitest';
import { startPostgres } from '../../support/postgres.ts';
import { holdLedgerClock } from './ledger-clock.ts';

it('moves what the ledger takes for now, and the defaults of its rows', async () => {
  const server = await startPostgres(18);
  onTestFinished(() => server.stop());
  await migrateLedger(server.url);
  const clock = await holdLedgerClock(server.url);
  onTestFinished(() => clock.close());
  const sql = postgres(server.url, { max: 1 });
  onTestFinished(() => sql.end());
  const hours = async (): Promise<number[]> => {
    const [row] = await sql<[{ hours: number[] }]>`
      WITH added AS (INSERT INTO outbox (subject, message) VALUES ('s', '{}') RETURNING created_at, next_try_at)
      SELECT array_agg(round(extract(epoch FROM at - pg_catalog.now()) / 3600)::int) AS hours
      FROM added, unnest(ARRAY[now(), clock_timestamp(), created_at, next_try_at]) AS at`;
    return row.hours;
  };
  expect(await hours()).toEqual([0, 0, 0, 0]);
  await clock.move(2 * 3_600_000);
  expect(await hours()).toEqual([2, 2, 2, 2]);
  await clock.move(-2 * 3_600_000);
  expect(await hours()).toEqual([-2, -2, -2, -2]);
});
