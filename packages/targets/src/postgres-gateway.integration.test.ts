import type { TargetReader, TargetSession } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../test/support/target.ts';
import { createPostgresGateway } from './postgres-gateway.ts';

const name = 'slacktide/index_rebuild/7';

function actOn<T>(
  { address, env }: FreshTarget,
  use: (session: TargetSession, observer: TargetReader) => Promise<T>,
  applicationName = name,
): Promise<T> {
  const { signal } = new AbortController();
  return createPostgresGateway({ env }).act(address, { applicationName, statementTimeoutMs: 60_000, signal }, use);
}

describe.each(majors)('act on PostgreSQL %i', (major) => {
  it('opens a session of an ordinary role with the whole group of settings in force', async () => {
    const target = await freshTarget(major);
    const settings = await actOn(target, (session) =>
      session.query<{ name: string; setting: string }>(
        `SELECT name, setting FROM pg_settings WHERE source = 'client' ORDER BY name`,
      ),
    );
    expect(Object.fromEntries(settings.map((row) => [row.name, row.setting]))).toEqual({
      application_name: name,
      client_connection_check_interval: '1000',
      client_encoding: 'UTF8',
      client_min_messages: 'warning',
      DateStyle: 'ISO, MDY',
      idle_in_transaction_session_timeout: '10000',
      idle_session_timeout: '10000',
      lock_timeout: '3000',
      search_path: '',
      statement_timeout: '60000',
      synchronous_commit: 'local',
      tcp_keepalives_count: '3',
      tcp_keepalives_idle: '3',
      tcp_keepalives_interval: '1',
      tcp_user_timeout: '6000',
      TimeZone: 'UTC',
    });
  });

  it('knows who it is on the server, as the ledger keeps it', async () => {
    const target = await freshTarget(major);
    await actOn(target, async ({ identity, serverVersion }) => {
      const { rows } = await target.admin.query(
        `SELECT pid, usename::text AS role, s.system_identifier::text AS "systemIdentifier"
         FROM pg_stat_activity, pg_control_system() s
         WHERE application_name = $1 AND backend_start = $2::timestamptz AND datname = current_database()`,
        [name, identity.backendStart],
      );
      const { systemIdentifier } = identity.epoch;
      expect(rows).toEqual([{ pid: identity.pid, role: target.role, systemIdentifier }]);
      expect(identity.epoch.timeline).toBe('00000001');
      expect(Math.floor(serverVersion / 10_000)).toBe(major);
    });
  });

  it('lets one session act on a database at a time, and the next one as soon as it returns', async () => {
    const target = await freshTarget(major);
    await actOn(target, async ({ identity }) => {
      await expect(actOn(target, () => Promise.resolve(), 'slacktide/checkpoint/8')).rejects.toMatchObject({
        code: 'locked_elsewhere',
        message: expect.stringContaining(`${name} (pid ${identity.pid}, user ${target.role})`),
      });
    });
    for (let round = 0; round < 10; round += 1) await actOn(target, () => Promise.resolve());
  });

  it('gives back what a statement said: INFO of VACUUM VERBOSE, the WARNING of one that was skipped', async () => {
    const target = await freshTarget(major);
    await target.owner.query('CREATE TABLE public.seen AS SELECT generate_series(1, 10) AS n');
    await actOn(target, async (session) => {
      const verbose = await session.execute('VACUUM (VERBOSE) public.seen');
      expect(verbose.notices).toContainEqual(
        expect.objectContaining({
          severity: 'INFO',
          code: '00000',
          message: expect.stringMatching(/^vacuuming ".*seen"/),
        }),
      );
      const skipped = await session.execute('VACUUM pg_catalog.pg_authid');
      expect(skipped.notices).toEqual([
        { severity: 'WARNING', code: '01000', message: expect.stringContaining('pg_authid') },
      ]);
      expect((await session.execute('ANALYZE public.seen')).notices).toEqual([]);
    });
  });

  it('sends every statement alone', async () => {
    const target = await freshTarget(major);
    await actOn(target, async (session) => {
      await expect(session.execute('CREATE TABLE public.a (); CREATE TABLE public.b ()')).rejects.toMatchObject({
        code: 'statement_failed',
        sqlState: '42601',
      });
      await session.execute('CREATE TABLE public.c ()');
      for (const statement of ['VACUUM public.c', 'ANALYZE public.c', 'REINDEX TABLE CONCURRENTLY public.c']) {
        await session.execute(statement);
      }
      expect(
        await session.query(`SELECT relname::text AS name FROM pg_class WHERE relname IN ('a', 'b', 'c')`),
      ).toEqual([{ name: 'c' }]);
    });
  });

  it('outlives a parameter that cannot be sent', async () => {
    const target = await freshTarget(major);
    await actOn(target, async (session) => {
      const circular: Record<string, unknown> = {};
      circular['self'] = circular;
      await expect(session.query('SELECT $1', [circular])).rejects.toThrow(TypeError);
      expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  });

  it('observes over a session of its own that cannot write', async () => {
    const target = await freshTarget(major);
    await actOn(target, async (session, observer) => {
      expect(observer.identity).toMatchObject({ applicationName: `${name}/observer` });
      expect(observer.identity.pid).not.toBe(session.identity.pid);
      await expect(observer.query('CREATE TABLE public.written ()')).rejects.toMatchObject({ sqlState: '25006' });
      const [row] = await observer.query<{ timeout: string; lock: string; path: string }>(
        `SELECT current_setting('statement_timeout') AS timeout, current_setting('lock_timeout') AS lock,
         current_setting('search_path') AS path`,
      );
      expect(row).toEqual({ timeout: '30s', lock: '1s', path: '' });
    });
  });

  it('leaves no session behind, whatever becomes of the work', async () => {
    const target = await freshTarget(major);
    await expect(actOn(target, () => Promise.reject(new Error('the work failed')))).rejects.toThrow('the work failed');
    // Given up on in mid-flight: its session is cut, and the server ends it within its own check interval.
    let left: Promise<unknown> | undefined;
    await actOn(target, (session) => {
      left = session.execute('SELECT pg_sleep(600)').catch((error: unknown) => error);
      return Promise.resolve();
    });
    expect(await left).toMatchObject({ code: 'session_lost' });
    await expect.poll(() => sessionsOf(target), { timeout: 10_000 }).toEqual([]);
  });

  it('asks a superuser’s server for English', async () => {
    const target = await freshTarget(major);
    await target.admin.query(`ALTER ROLE ${target.role} SUPERUSER`);
    const rows = await actOn(target, (session) => session.query(`SELECT current_setting('lc_messages') AS language`));
    expect(rows).toEqual([{ language: 'C' }]);
  });
});

describe.each(majors)('inspect and read on PostgreSQL %i', (major) => {
  it('tells what a look tells', async () => {
    const { address, env, database, role } = await freshTarget(major);
    expect(await createPostgresGateway({ env }).inspect(address)).toEqual({
      serverVersion: expect.stringMatching(new RegExp(`^${major}\\.`)),
      database,
      role,
      inRecovery: false,
      sizeBytes: expect.any(Number),
      systemIdentifier: expect.stringMatching(/^\d{15,}$/),
      latencyMs: expect.any(Number),
    });
  });

  it('reads without the lock, beside a session that acts, and cannot write', async () => {
    const target = await freshTarget(major);
    const { address, env } = target;
    await actOn(target, async () => {
      await createPostgresGateway({ env }).read(address, { applicationName: 'slacktide/plan' }, async (reader) => {
        expect(await reader.query('SELECT $1::text AS given', [`x'; DROP TABLE y; --`])).toEqual([
          { given: `x'; DROP TABLE y; --` },
        ]);
        await expect(reader.query('CREATE TABLE public.written ()')).rejects.toMatchObject({ sqlState: '25006' });
      });
    });
    await expect.poll(() => sessionsOf(target), { timeout: 10_000 }).toEqual([]);
  });

  it('stops reading when told to', async () => {
    const { address, env } = await freshTarget(major);
    const stop = new AbortController();
    const reading = createPostgresGateway({ env }).read(
      address,
      { applicationName: 'slacktide/plan', signal: stop.signal },
      async (reader) => {
        const sleeping = reader.query('SELECT pg_sleep(600)').catch((error: unknown) => error);
        stop.abort();
        expect(await sleeping).toMatchObject({ code: 'cancelled' });
        await reader.query('SELECT 1');
      },
    );
    await expect(reading).rejects.toMatchObject({ code: 'cancelled' });
  });
});

async function sessionsOf({ admin }: FreshTarget): Promise<unknown[]> {
  const { rows } = await admin.query(
    `SELECT application_name FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'slacktide/%'`,
  );
  return rows;
}
