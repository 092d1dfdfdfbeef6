import type { TargetReader, TargetSession } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { freshTarget } from '../../../../test/support/target.ts';
import { createPostgresGateway } from '../postgres-gateway.ts';
import { type ProgressUpdate, watchProgress } from './watch-progress.ts';

/** 150 pages, two rows each, and a function that makes every row of an index cost 5 ms. */
const slowTable = `
  CREATE TABLE public.t (n int, pad char(3500));
  ALTER TABLE public.t ALTER pad SET STORAGE PLAIN;
  INSERT INTO public.t SELECT n, '' FROM generate_series(1, 300) AS n;
  CREATE FUNCTION public.slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.005); RETURN n; END'`;

async function setup(major: (typeof majors)[number]) {
  const target = await freshTarget(major);
  await target.owner.query(slowTable);
  const act = <T>(use: (session: TargetSession, observer: TargetReader) => Promise<T>): Promise<T> =>
    createPostgresGateway({ env: target.env }).act(
      target.address,
      { applicationName: 'slacktide/test/1', statementTimeoutMs: 60_000, signal: new AbortController().signal },
      use,
    );
  return { target, act };
}

/** Every update of one statement, seen every 20 ms. */
async function watched(
  session: TargetSession,
  observer: TargetReader,
  statement: string,
  onUpdate: (update: ProgressUpdate) => void = () => undefined,
): Promise<ProgressUpdate[]> {
  const updates: ProgressUpdate[] = [];
  const stop = watchProgress(observer, session.identity.pid, 20, (update) => {
    updates.push(update);
    onUpdate(update);
  });
  try {
    await session.execute(statement);
  } finally {
    await stop();
  }
  return updates;
}

describe.each(majors)('watchProgress on PostgreSQL %i', (major) => {
  it('follows a phase that counts: percent rises, the rest gets an estimate', async () => {
    const { act } = await setup(major);
    await act(async (session, observer) => {
      const updates = await watched(session, observer, 'CREATE INDEX t_slow ON public.t (public.slow(n))');
      const scan = updates.filter(
        ({ phase, percent }) => phase === 'building index: scanning table' && percent !== null,
      );
      const percents = scan.map(({ percent }) => percent ?? -1);
      expect(percents).toEqual(percents.toSorted((a, b) => a - b));
      expect(percents.at(0)).toBeLessThan(50);
      expect(percents.at(-1)).toBeGreaterThan(50);
      expect(scan.slice(0, 2).map(({ etaSeconds }) => etaSeconds)).toEqual([null, null]);
      const estimates = scan.flatMap(({ etaSeconds }) => etaSeconds ?? []);
      expect(estimates.length).toBeGreaterThan(0);
      expect(Math.max(...estimates)).toBeLessThan(60);
      expect(scan[0]?.reading).toMatchObject({ view: 'create_index', counter: { total: 150 }, indexOid: null });
    });
  });

  it('names who is waited for, and gives a waiting phase no percentage', async () => {
    const { target, act } = await setup(major);
    const writer = await target.connect();
    await writer.query('BEGIN; INSERT INTO public.t VALUES (0)');
    const { rows } = await writer.query('SELECT pg_backend_pid() AS pid');
    await act(async (session, observer) => {
      await session.execute('SET lock_timeout = 0');
      let committed: Promise<unknown> | undefined;
      const updates = await watched(session, observer, 'CREATE INDEX CONCURRENTLY t_n ON public.t (n)', ({ phase }) => {
        if (phase === 'waiting for writers before build') committed ??= writer.query('COMMIT');
      });
      await committed;
      expect(updates.find(({ phase }) => phase === 'waiting for writers before build')).toMatchObject({
        percent: null,
        etaSeconds: null,
        reading: { lockerPid: rows[0].pid, counter: null },
      });
    });
  });

  it('follows VACUUM, ANALYZE and VACUUM FULL', async () => {
    const { target, act } = await setup(major);
    await target.owner.query(`
      CREATE FUNCTION public.wait_for_test(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql
        AS 'BEGIN PERFORM pg_catalog.pg_advisory_xact_lock_shared(1); RETURN n; END';
      CREATE INDEX t_n ON public.t (n);
      CREATE INDEX t_held ON public.t (public.wait_for_test(n));
      DELETE FROM public.t WHERE n % 2 = 0`);
    await act(async (session, observer) => {
      // So slow that it is seen on the busiest machine, and ended once it was.
      await session.execute('SET vacuum_cost_delay = 100');
      await session.execute('SET vacuum_cost_limit = 1');
      const untilSeen = async (statement: string, phase: string): Promise<ProgressUpdate[]> => {
        const seen: ProgressUpdate[] = [];
        let cancelled: Promise<unknown> | undefined;
        const cancel = (update: ProgressUpdate): void => {
          seen.push(update);
          if (update.phase === phase && (update.percent ?? 0) > 0)
            cancelled ??= target.admin.query('SELECT pg_cancel_backend($1)', [session.identity.pid]);
        };
        await expect(watched(session, observer, statement, cancel)).rejects.toMatchObject({ sqlState: '57014' });
        await cancelled;
        return seen.filter((update) => update.phase === phase);
      };
      const [vacuum] = await untilSeen('VACUUM public.t', 'scanning heap');
      expect(vacuum?.reading).toMatchObject({ view: 'vacuum', counter: { total: 150 } });
      const [analyze] = await untilSeen('ANALYZE public.t', 'acquiring sample rows');
      expect(analyze?.reading).toMatchObject({ view: 'analyze', counter: { total: 150 } });

      await session.execute('SET lock_timeout = 0');
      const holder = await target.connect();
      await holder.query('SELECT pg_advisory_lock(1)');
      let released: Promise<unknown> | undefined;
      const full = await watched(session, observer, 'VACUUM (FULL) public.t', ({ phase }) => {
        if (phase === 'rebuilding index') released ??= holder.query('SELECT pg_advisory_unlock(1)');
      });
      await released;
      expect(full.find(({ phase }) => phase === 'rebuilding index')?.reading).toMatchObject({
        view: 'cluster',
        counter: null,
      });
    });
  });
});

it('is quiet once stopped, and never fails the work when the observer cannot look', async () => {
  const { target, act } = await setup(18);
  await act(async (session, observer) => {
    const seen: string[] = [];
    const stop = watchProgress(observer, session.identity.pid, 1, ({ phase }) => seen.push(phase));
    const working = session.execute('CREATE INDEX t_slow ON public.t (public.slow(n))');
    await expect.poll(() => seen.length, { timeout: 10_000 }).toBeGreaterThan(2);
    await stop();
    const count = seen.length;
    const another = watchProgress(observer, session.identity.pid, 1, ({ phase }) => seen.push(phase));
    await target.admin.query('SELECT pg_terminate_backend($1, 5000)', [observer.identity.pid]);
    await another();
    await stop();
    const countAfterEnd = seen.length;
    await working;
    expect(seen.length).toBe(countAfterEnd);
    expect(countAfterEnd).toBeGreaterThanOrEqual(count);
  });
});
