import { setImmediate } from 'node:timers/promises';
import type { TargetReader, TargetSession } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../test/support/target.ts';
import { createPostgresGateway } from './postgres-gateway.ts';
import type { Timings } from './timings.ts';

/** Runs `use` in an acting session together with what stops it; the statements would all outlast the test. */
async function setup(major: (typeof majors)[number], timings: Partial<Timings> = {}) {
  const target = await freshTarget(major);
  const stop = new AbortController();
  const act = <T>(use: (session: TargetSession, observer: TargetReader) => Promise<T>): Promise<T> =>
    createPostgresGateway({ env: target.env, timings }).act(
      target.address,
      { applicationName: 'slacktide/test/1', statementTimeoutMs: 3_600_000, signal: stop.signal },
      use,
    );
  return { target, stop, act };
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => error,
  );

/** Settles once the acting session runs something that matches, and waits for `waitEvent` in it. */
async function running({ admin }: FreshTarget, query: string, waitEvent = '%'): Promise<void> {
  await expect
    .poll(
      async () => {
        const { rows } = await admin.query(
          `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/test/1%'
           AND state = 'active' AND query LIKE $1 AND coalesce(wait_event, '') LIKE $2`,
          [query, waitEvent],
        );
        return rows.length;
      },
      { timeout: 10_000, interval: 10 },
    )
    .toBe(1);
}

const cancelled = expect.objectContaining({ code: 'cancelled' });

describe.each(majors)('an abort on PostgreSQL %i', (major) => {
  it.each([
    'SELECT pg_sleep(600)',
    'SELECT count(*) FROM generate_series(1, 1e9::bigint) AS a, generate_series(1, 1e9::bigint) AS b',
  ])('reaches %s, and the lock is free again', async (statement) => {
    const { target, stop, act } = await setup(major);
    await act(async (session) => {
      const working = outcome(session.execute(statement));
      await running(target, statement);
      stop.abort();
      expect(await working).toEqual(cancelled);
    });
    const again = createPostgresGateway({ env: target.env });
    const { signal } = new AbortController();
    await again.act(
      target.address,
      { applicationName: 'slacktide/next/2', statementTimeoutMs: 1000, signal },
      async () => {},
    );
  });

  it('reaches a REINDEX that waits for a lock', async () => {
    const { target, stop, act } = await setup(major);
    await target.owner.query('CREATE TABLE public.t (n int PRIMARY KEY)');
    const writer = await target.connect();
    await writer.query('BEGIN; INSERT INTO public.t VALUES (1)');
    await act(async (session) => {
      await session.execute('SET lock_timeout = 0');
      const working = outcome(session.execute('REINDEX INDEX CONCURRENTLY public.t_pkey'));
      await running(target, 'REINDEX%');
      stop.abort();
      expect(await working).toEqual(cancelled);
    });
  });

  it('reaches a statement that was sent in the same moment', async () => {
    const { stop, act } = await setup(major);
    await act(async (session) => {
      const working = outcome(session.execute('SELECT pg_sleep(600)'));
      await setImmediate();
      stop.abort();
      expect(await working).toEqual(cancelled);
    });
  });

  it('stops what comes after it, and only that: the session still cleans up, the observer still reads', async () => {
    const { stop, act } = await setup(major);
    await act(async (session, observer) => {
      const working = outcome(session.execute('SELECT pg_sleep(600)'));
      const queued = outcome(session.execute('CREATE TABLE public.never ()'));
      stop.abort();
      expect([await working, await queued]).toEqual([cancelled, cancelled]);
      expect(await outcome(session.execute('SELECT 1'))).toEqual(cancelled);
      await session.cleanUp('CREATE TABLE public.cleaned ()');
      expect(await observer.query(`SELECT relname::text FROM pg_class WHERE relname IN ('never', 'cleaned')`)).toEqual([
        { relname: 'cleaned' },
      ]);
    });
  });

  it('reaches both sessions at once when the observer is busy', async () => {
    const { target, stop, act } = await setup(major);
    await act(async (session, observer) => {
      const watching = outcome(observer.query('SELECT pg_sleep(601)'));
      const working = outcome(session.execute('SELECT pg_sleep(600)'));
      await running(target, 'SELECT pg_sleep(601)');
      await running(target, 'SELECT pg_sleep(600)');
      stop.abort();
      expect([await watching, await working]).toEqual([cancelled, cancelled]);
    });
  });
});

describe.each(majors)('on PostgreSQL %i', (major) => {
  it('a statement that ignores its cancel is ended together with its session', async () => {
    // Said once: the statement catches a cancel only while it sleeps, and every further one might meet it in between.
    const { target, stop, act } = await setup(major, { terminateAfterMs: 300, cancelRetryMs: 500 });
    await act(async (session) => {
      const stubborn = `DO $$ BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $$`;
      const working = outcome(session.execute(stubborn));
      // Before it sleeps nothing catches the cancel.
      await running(target, 'DO %', 'PgSleep');
      stop.abort();
      expect(await working).toMatchObject({ code: 'session_lost', sqlState: '57P01' });
      expect(await outcome(session.cleanUp('SELECT 1'))).toMatchObject({ code: 'session_lost' });
    });
  });

  it('clean-up has its own limit', async () => {
    const { act, stop } = await setup(major, { cleanUpMs: 100 });
    await act(async (session) => {
      stop.abort();
      expect(await outcome(session.cleanUp('SELECT pg_sleep(600)'))).toEqual(cancelled);
      await session.cleanUp('SELECT 1');
    });
  });
});

it('an abort before the beginning opens no session', async () => {
  const { stop, act, target } = await setup(18);
  stop.abort();
  expect(await outcome(act(async () => expect.unreachable('it began')))).toEqual(cancelled);
  const { rows } = await target.admin.query(
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/test%'`,
  );
  expect(rows).toEqual([]);
});

it('somebody else’s cancel is no cancel of ours, and a timeout is told from both', async () => {
  const { act, target } = await setup(18);
  await act(async (session) => {
    const working = outcome(session.execute('SELECT pg_sleep(600)'));
    await running(target, 'SELECT pg_sleep(600)');
    await target.admin.query('SELECT pg_cancel_backend($1)', [session.identity.pid]);
    expect(await working).toMatchObject({ code: 'statement_failed', sqlState: '57014' });
  });
  const { signal } = new AbortController();
  const brief = { applicationName: 'slacktide/brief/1', statementTimeoutMs: 50, signal };
  await createPostgresGateway({ env: target.env }).act(target.address, brief, async (session) => {
    expect(await outcome(session.execute('SELECT pg_sleep(600)'))).toMatchObject({ code: 'statement_timeout' });
    await session.execute('SELECT 1');
  });
});
