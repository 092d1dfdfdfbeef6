import type { TargetReader } from '@slacktide/application/ports';
import type pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { majors, startPostgres } from '../../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../../test/support/target.ts';
import { createPostgresGateway } from '../postgres-gateway.ts';
import { type GatedOperation, readBlockers } from './blockers.ts';

async function setup(major: (typeof majors)[number]) {
  const target = await freshTarget(major);
  await target.owner.query(
    'CREATE TABLE public.t (n int); CREATE INDEX t_n ON public.t (n); CREATE TABLE public.other (n int)',
  );
  const { rows } = await target.owner.query(`SELECT 'public.t'::regclass::oid AS oid`);
  return { target, tableOid: rows[0].oid as number };
}

/** As the ordinary role of the target, which has no pg_read_all_stats. */
function reading<T>({ address, env }: FreshTarget, use: (reader: TargetReader) => Promise<T>): Promise<T> {
  return createPostgresGateway({ env }).read(address, { applicationName: 'slacktide/test' }, use);
}

const operations = ['create', 'reindex', 'drop'] as const;
const statements: Record<GatedOperation, string> = {
  create: 'CREATE INDEX CONCURRENTLY t_new ON public.t (n)',
  reindex: 'REINDEX INDEX CONCURRENTLY public.t_n',
  drop: 'DROP INDEX CONCURRENTLY public.t_n',
};

/** Whether the statement really has to wait. */
async function waits({ owner }: FreshTarget, operation: GatedOperation): Promise<boolean> {
  await owner.query(`SET lock_timeout = '250ms'`);
  const waited = await owner.query(statements[operation]).then(
    () => false,
    (error: pg.DatabaseError) => {
      expect(error.code).toBe('55P03');
      return true;
    },
  );
  await owner.query('RESET lock_timeout');
  return waited;
}

/** What somebody else does on the target, and for which operations that is in the way. */
const scenarios: [name: string, sql: string, inTheWay: GatedOperation[]][] = [
  ['nobody', 'SELECT 1', []],
  [
    'a snapshot on another table',
    'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.other',
    ['create', 'reindex'],
  ],
  ['a reader of the table', 'BEGIN; SELECT * FROM public.t', ['reindex', 'drop']],
  ['a writer of the table', 'BEGIN; INSERT INTO public.t VALUES (1)', ['create', 'reindex', 'drop']],
  ['a writer of another table', 'BEGIN; INSERT INTO public.other VALUES (1)', []],
  ['an advisory lock', 'SELECT pg_advisory_lock(7)', []],
];

describe.each(majors)('the start gate on PostgreSQL %i', (major) => {
  it.each(scenarios)('agrees with the server about %s', async (_, sql, inTheWay) => {
    const { target, tableOid } = await setup(major);
    const somebody = await target.connect();
    await somebody.query(`SET application_name = 'somebody'`);
    const { rows } = await somebody.query('SELECT pg_backend_pid() AS pid');
    await reading(target, async (reader) => {
      for (const operation of operations) {
        await somebody.query(sql);
        const blockers = await readBlockers(reader, tableOid, operation);
        expect(blockers.length > 0, operation).toBe(inTheWay.includes(operation));
        for (const blocker of blockers) {
          expect(blocker).toMatchObject({
            pid: rows[0].pid,
            user: target.role,
            applicationName: 'somebody',
            state: 'idle in transaction',
            transactionAgeSeconds: expect.any(Number),
          });
        }
        expect(await readBlockers(reader, tableOid, operation, [rows[0].pid])).toEqual([]);
        expect(await waits(target, operation), operation).toBe(inTheWay.includes(operation));
        await somebody.query('ROLLBACK');
        await target.owner.query('DROP INDEX IF EXISTS public.t_new, public.t_n, public.t_n_ccnew');
        await target.owner.query('CREATE INDEX t_n ON public.t (n)');
      }
    });
  });

  it('never says go for want of rights: a stranger’s snapshot shows without its details', async () => {
    const { target, tableOid } = await setup(major);
    const stranger = await target.connect('admin');
    await stranger.query(`SET application_name = 'stranger'`);
    await stranger.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM public.other');
    await reading(target, async (reader) => {
      const blockers = await readBlockers(reader, tableOid, 'reindex');
      expect(blockers).toEqual([
        expect.objectContaining({
          why: 'snapshot',
          user: 'postgres',
          applicationName: 'stranger',
          state: null,
          backendType: null,
        }),
      ]);
    });
    await target.admin.query(`GRANT pg_read_all_stats TO ${target.role}`);
    await reading(target, async (reader) => {
      expect(await readBlockers(reader, tableOid, 'reindex')).toEqual([
        expect.objectContaining({
          applicationName: 'stranger',
          state: 'idle in transaction',
          backendType: 'client backend',
        }),
      ]);
    });
    await stranger.query('ROLLBACK');
  });
});

it('names a prepared transaction that wrote to the table', async () => {
  const server = await startPostgres(18, { flags: ['max_prepared_transactions=2'] });
  onTestFinished(() => server.stop());
  const target = await freshTarget(18, server.url);
  await target.owner.query('CREATE TABLE public.t (n int)');
  const { rows } = await target.owner.query(`SELECT 'public.t'::regclass::oid AS oid`);
  await target.owner.query(`BEGIN; INSERT INTO public.t VALUES (1); PREPARE TRANSACTION 'half done'`);
  onTestFinished(() => target.owner.query(`ROLLBACK PREPARED 'half done'`).then(() => undefined));
  await reading(target, async (reader) => {
    expect(await readBlockers(reader, rows[0].oid, 'reindex')).toEqual([
      expect.objectContaining({ why: 'lock', pid: null, preparedTransaction: 'half done', detail: 'RowExclusiveLock' }),
    ]);
  });
});
