import type { TargetReader } from '@slacktide/application/ports';
import { describe, expect, it, onTestFinished } from 'vitest';
import { majors, startPostgres } from '../../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../../test/support/target.ts';
import { createPostgresGateway } from '../postgres-gateway.ts';
import { readXminHolders } from './xmin-holders.ts';

function reading<T>({ address, env }: FreshTarget, use: (reader: TargetReader) => Promise<T>): Promise<T> {
  return createPostgresGateway({ env }).read(address, { applicationName: 'slacktide/test' }, use);
}

async function open(target: FreshTarget, name: string, sql: string) {
  const client = await target.connect();
  await client.query(`SET application_name = '${name}'`);
  await client.query(sql);
  const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
  return rows[0].pid as number;
}

describe.each(majors)('readXminHolders on PostgreSQL %i', (major) => {
  it('names the sessions of this database that hold dead rows back, the oldest first, once each', async () => {
    const target = await freshTarget(major);
    await target.owner.query('CREATE TABLE public.t (n int)');
    const snapshot = await open(target, 'report', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.t');
    await target.owner.query('INSERT INTO public.t VALUES (1)');
    await target.owner.query('INSERT INTO public.t VALUES (2)');
    const both = 'BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO public.t VALUES (3)';
    const writer = await open(target, 'import', both);
    await open(target, 'harmless', 'BEGIN; SELECT 1');
    const elsewhere = await freshTarget(major);
    await open(elsewhere, 'elsewhere', 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
    await reading(target, async (reader) => {
      const holders = await readXminHolders(reader);
      expect(holders).toEqual([
        expect.objectContaining({
          kind: 'session',
          pid: snapshot,
          user: target.role,
          applicationName: 'report',
          state: 'idle in transaction',
          transactionAgeSeconds: expect.any(Number),
          xmin: expect.stringMatching(/^\d+$/),
          catalogOnly: false,
        }),
        expect.objectContaining({ kind: 'session', pid: writer, applicationName: 'import' }),
      ]);
      const ages = holders.map(({ ageTransactions }) => ageTransactions);
      expect(ages).toEqual(ages.toSorted((a, b) => b - a));
      expect(await readXminHolders(reader, [snapshot, writer])).toEqual([]);
    });
  });
});

it('names prepared transactions and replication slots', async () => {
  const server = await startPostgres(18, { flags: ['max_prepared_transactions=2', 'wal_level=logical'] });
  onTestFinished(() => server.stop());
  const target = await freshTarget(18, server.url);
  onTestFinished(async () => {
    await target.admin.query(`ROLLBACK PREPARED 'forgotten'`);
    await target.admin.query(`SELECT pg_drop_replication_slot('orphan')`);
  });
  await target.admin.query(`SELECT pg_create_logical_replication_slot('orphan', 'test_decoding')`);
  await target.admin.query(`CREATE TABLE public.t (n int); GRANT ALL ON public.t TO ${target.role}`);
  await target.owner.query(`BEGIN; INSERT INTO public.t VALUES (1); PREPARE TRANSACTION 'forgotten'`);
  await reading(target, async (reader) => {
    expect(await readXminHolders(reader)).toEqual([
      expect.objectContaining({ kind: 'replication_slot', name: 'orphan', state: 'inactive', catalogOnly: true }),
      expect.objectContaining({
        kind: 'prepared_transaction',
        name: 'forgotten',
        pid: null,
        user: target.role,
        catalogOnly: false,
      }),
    ]);
  });
});
