import { expect, it } from 'vitest';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startFleet } from './support/fleet.ts';

/** Each row of the sample takes 0.5 s. */
const slowTable = `
  CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM pg_sleep(0.5); RETURN $1; END $$;
  CREATE TABLE slow_table (i int) WITH (autovacuum_enabled = off);
  CREATE INDEX ON slow_table (slow(i));
  INSERT INTO slow_table SELECT i FROM generate_series(1, 8) i;
`;
const sessions = `SELECT pid, state FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/statistics_update/%'`;

/** A task in hand of a worker that can be cut off from the ledger, but not from the target. */
async function setup(env: Record<string, string> = {}) {
  const fleet = await startFleet({ targetSql: slowTable, workerArgs: ['--tasks', 'CHECKPOINT'] });
  const ledgerUrl = new URL(fleet.databaseUrl);
  const ledgerWire = await startTcpProxy(Number(ledgerUrl.port));
  ledgerUrl.port = String(ledgerWire.port);
  const args = ['--tasks', 'STATISTICS_UPDATE'];
  const worker = await fleet.startWorker({ args, env: { DATABASE_URL: ledgerUrl.href, LEASE_SECONDS: '4', ...env } });
  const { id } = await fleet.api.post<{ id: string }>(
    '/api/v1/admin/maintenance',
    { operation: 'analyze', tables: ['slow_table'] },
    202,
  );
  await fleet.api.watch(id, ({ tasks }) => tasks[0]?.attempt === 1);
  const anotherWorker = () => fleet.startWorker({ args, env: { LEASE_SECONDS: '4' } });
  return { fleet, ledgerWire, worker, id, anotherWorker };
}

it('a worker that is cut off from the ledger stops its statement on the target; another one does the work', async () => {
  const { fleet, ledgerWire, worker, id, anotherWorker } = await setup();
  ledgerWire.freeze();
  await expect.poll(async () => (await fleet.target.query(sessions)).rowCount, { timeout: 20_000 }).toBe(0);
  await anotherWorker();
  expect(await fleet.api.watch(id)).toMatchObject({ state: 'SUCCEEDED', tasks: [{ attempt: 2 }] });
  worker.kill('SIGKILL'); // it stays alive, and waits for its ledger
  expect(await worker.exited).toBeNull();
});

it('a worker that cannot stop its work ends itself with status 70, and its session ends with it', async () => {
  const { fleet, ledgerWire, worker, id, anotherWorker } = await setup({ FAILPOINTS: 'step.before:sleep(600000)' });
  ledgerWire.freeze();
  expect(await worker.exited).toBe(70);
  expect(worker.log.join('\n')).toContain('did not stop in time after: lease_lost');
  await anotherWorker();
  expect(await fleet.api.watch(id)).toMatchObject({ state: 'SUCCEEDED', tasks: [{ attempt: 2, crashes: 1 }] });
  await expect.poll(async () => (await fleet.target.query(sessions)).rowCount, { timeout: 20_000 }).toBe(0);
});

it('a task type that no worker knows is left for one that does', async () => {
  const fleet = await startFleet({ targetSql: slowTable, workerArgs: ['--tasks', 'CHECKPOINT'] });
  const analyse = await fleet.api.post<{ id: string }>(
    '/api/v1/admin/maintenance',
    { operation: 'analyze', tables: ['slow_table'] },
    202,
  );
  const known = await fleet.api.post<{ id: string }>('/api/v1/admin/maintenance', { operation: 'checkpoint' }, 202);
  await fleet.api.watch(known.id);
  expect(await fleet.api.job(analyse.id)).toMatchObject({
    state: 'PENDING',
    tasks: [{ state: 'PENDING', attempt: 0 }],
  });
  await fleet.startWorker();
  expect(await fleet.api.watch(analyse.id)).toMatchObject({ state: 'SUCCEEDED' });
});
