import type { LockLook, WorkedTable } from '@slacktide/application/ports';
import type pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { majors, startPostgres } from '../../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../../test/support/target.ts';
import { createPostgresGateway } from '../postgres-gateway.ts';

const hostile = `"we""ird; --"`;

async function setup(major: (typeof majors)[number], adminUrl?: string) {
  const target = await freshTarget(major, adminUrl);
  await target.owner.query(`CREATE TABLE public.orders (id int CONSTRAINT orders_pkey PRIMARY KEY, n int);
    CREATE SCHEMA ${hostile}; CREATE TABLE ${hostile}.${hostile} (id int);
    CREATE TABLE public.idle (id int)`);
  return target;
}

/** As the ordinary role of the target, which may not see what others do. */
function look({ address, env }: FreshTarget, tables: readonly WorkedTable[]): Promise<LockLook> {
  const gateway = createPostgresGateway({ env });
  return gateway.read(address, { applicationName: 'slacktide/test' }, (reader) => gateway.readLocks(reader, tables));
}

const named = (schema: string | null, name: string, table: string | null = null): WorkedTable => ({
  oid: null,
  schema,
  name,
  table,
});

const pidOf = async (client: pg.Client): Promise<number> =>
  (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;

describe.each(majors)('readLocks on PostgreSQL %i', (major) => {
  it('finds who has or waits for locks on each table, however it is named', async () => {
    const target = await setup(major);
    const { rows } = await target.owner.query(`SELECT 'public.orders'::regclass::oid AS oid`);
    const writer = await target.connect();
    await writer.query('BEGIN; INSERT INTO public.orders VALUES (1, 1)');
    const other = await target.connect('admin');
    await other.query(`BEGIN; LOCK TABLE ${hostile}.${hostile} IN SHARE MODE`);
    const queued = await target.connect();
    const queuedPid = await pidOf(queued);
    await queued.query('BEGIN');
    const waiting = queued.query('LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE').catch(() => undefined);
    const asked = [
      { oid: rows[0].oid, schema: 'public', name: 'orders_pkey', table: null },
      named('public', 'orders_pkey'),
      named('public', 'orders'),
      named('public', 'orders_n_check', 'orders'),
      named('we"ird; --', 'we"ird; --'),
      named('public', 'idle'),
      named('public', 'gone'),
      named(null, 'orders'),
      { oid: 1, schema: 'public', name: 'orders', table: null },
    ];
    const onOrders = expect.arrayContaining([
      expect.objectContaining({ pid: await pidOf(writer), user: target.role, mode: 'RowExclusiveLock', granted: true }),
      expect.objectContaining({ pid: queuedPid, mode: 'AccessExclusiveLock', granted: false }),
    ]);
    const queuedIsSeen = async () =>
      (await look(target, [named('public', 'orders')])).tables[0]?.some(({ granted }) => !granted);
    await expect.poll(queuedIsSeen).toBe(true);
    const { tables } = await look(target, asked);
    expect(tables).toEqual([
      ...Array.from({ length: 4 }, () => onOrders),
      [
        expect.objectContaining({
          pid: await pidOf(other),
          user: 'postgres',
          mode: 'ShareLock',
          granted: true,
          transactionAgeSeconds: null, // of another role
        }),
      ],
      [],
      undefined,
      undefined,
      undefined,
    ]);
    await writer.query('ROLLBACK');
    await other.query('ROLLBACK');
    await target.admin.query('SELECT pg_terminate_backend($1)', [queuedPid]);
    await waiting;
  });

  it('finds snapshots, but not its own', async () => {
    const target = await setup(major);
    expect((await look(target, [named('public', 'orders')])).snapshots).toEqual([]);
    const reader = await target.connect();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.idle');
    const { snapshots, tables } = await look(target, [named('public', 'orders')]);
    expect(tables).toEqual([[]]);
    expect(snapshots).toMatchObject([{ pid: await pidOf(reader), user: target.role }]);
    expect(snapshots[0]?.transactionAgeSeconds).toBeGreaterThanOrEqual(0);
    expect(await look(target, [])).toEqual({ tables: [], snapshots: [] });
  });
});

it('finds the locks of a prepared transaction, which has no session', async () => {
  const server = await startPostgres(18, { flags: ['max_prepared_transactions=2'] });
  onTestFinished(() => server.stop());
  const target = await setup(18, server.url);
  await target.owner.query('BEGIN');
  await target.owner.query('INSERT INTO public.orders VALUES (1, 1)');
  await target.owner.query(`PREPARE TRANSACTION 'left'`);
  const { tables } = await look(target, [named('public', 'orders')]);
  expect(tables).toEqual([
    [
      {
        pid: null,
        user: target.role,
        applicationName: null,
        transactionAgeSeconds: expect.any(Number),
        mode: 'RowExclusiveLock',
        granted: true,
      },
    ],
  ]);
  await target.owner.query(`ROLLBACK PREPARED 'left'`);
});
