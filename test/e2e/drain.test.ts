import { describe, expect, it, onTestFinished } from 'vitest';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startFleet } from './support/fleet.ts';

/** Each row of the sample takes 0.2 s: long enough to be met by a SIGTERM, in steps that a test can see. */
const slowTable = `
  CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.2); RETURN $1; END $$;
  CREATE TABLE slow_table (i int) WITH (autovacuum_enabled = off);
  CREATE INDEX ON slow_table (slow(i));
  INSERT INTO slow_table SELECT i FROM generate_series(1, 10) i;
`;
const running = `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/statistics_update/%' AND query LIKE 'ANALYZE%' AND state = 'active'`;

/** A fleet with a task in hand of a worker whose ledger and Redis may be taken away from it. */
async function setup(drainSeconds: number) {
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const fleet = await startFleet({
    targetSql: slowTable,
    workerArgs: ['--tasks', 'CHECKPOINT'],
    env: { REDIS_URL: redis.url },
  });
  const ledgerUrl = new URL(fleet.databaseUrl);
  const ledgerWire = await startTcpProxy(Number(ledgerUrl.port));
  ledgerUrl.port = String(ledgerWire.port);
  const worker = await fleet.startWorker({
    args: ['--tasks', 'STATISTICS_UPDATE'],
    env: { DATABASE_URL: ledgerUrl.href, DRAIN_SECONDS: String(drainSeconds), LEASE_SECONDS: '4' },
  });
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
  const anotherWorker = () => fleet.startWorker({ env: { LEASE_SECONDS: '4' } });
  return { fleet, redis, ledgerWire, worker, id, anotherWorker };
}

describe('SIGTERM to a worker', () => {
  it('lets the task in hand end, writes its outcome and exits with 0', async () => {
    const { fleet, worker, id } = await setup(20);
    expect(await worker.stop()).toBe(0);
    expect(await fleet.api.job(id)).toMatchObject({ tasks: [{ state: 'SUCCEEDED', attempt: 1 }] });
  });

  it('after the drain time cancels the statement and hands the task to another worker, which is no crash', async () => {
    const { fleet, worker, id, anotherWorker } = await setup(0);
    expect(await worker.stop()).toBe(0);
    expect((await fleet.target.query(running)).rowCount).toBe(0);
    expect(await fleet.api.job(id)).toMatchObject({ tasks: [{ state: 'PENDING', crashes: 0 }] });
    await anotherWorker();
    expect(await fleet.api.watch(id)).toMatchObject({
      state: 'SUCCEEDED',
      tasks: [{ state: 'SUCCEEDED', attempt: 2, crashes: 0 }],
    });
  });

  it.each([
    ['lets the task in hand end', 20, { state: 'SUCCEEDED', attempt: 1 }],
    ['hands the task in hand back after the drain time', 0, { state: 'PENDING', attempt: 1 }],
  ] as const)('%s while Redis is gone, and exits with 0', async (_, drainSeconds, task) => {
    const { fleet, redis, worker, id } = await setup(drainSeconds);
    process.kill(redis.pid, 'SIGKILL');
    expect(await worker.stop()).toBe(0);
    expect(await fleet.api.job(id)).toMatchObject({ tasks: [{ ...task, crashes: 0 }] });
  });

  it('stops the statement and exits with 0 while the ledger is silent; another worker recovers the task', async () => {
    const { fleet, ledgerWire, worker, id, anotherWorker } = await setup(0);
    ledgerWire.freeze();
    expect(await worker.stop()).toBe(0);
    expect((await fleet.target.query(running)).rowCount).toBe(0);
    await anotherWorker();
    expect(await fleet.api.watch(id)).toMatchObject({
      state: 'SUCCEEDED',
      tasks: [{ state: 'SUCCEEDED', attempt: 2, crashes: 1 }],
    });
  });

  it('exits with 0 while both are gone', async () => {
    const { fleet, redis, ledgerWire, worker } = await setup(0);
    process.kill(redis.pid, 'SIGKILL');
    ledgerWire.freeze();
    expect(await worker.stop()).toBe(0);
    expect((await fleet.target.query(running)).rowCount).toBe(0);
  });
});
