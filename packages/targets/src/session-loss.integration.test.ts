import { setImmediate } from 'node:timers/promises';
import type { TargetAddress, TargetReader, TargetSession } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../test/support/target.ts';
import { startTcpProxy } from '../../../test/support/tcp-proxy.ts';
import { createPostgresGateway } from './postgres-gateway.ts';
import type { Timings } from './timings.ts';

const name = 'slacktide/test/1';

async function setup(major: (typeof majors)[number]) {
  const target = await freshTarget(major);
  const act = <T>(
    use: (session: TargetSession, observer: TargetReader) => Promise<T>,
    { timings = {}, address = target.address }: { timings?: Partial<Timings>; address?: TargetAddress } = {},
  ): Promise<T> => {
    const { signal } = new AbortController();
    const gateway = createPostgresGateway({ env: target.env, timings });
    return gateway.act(address, { applicationName: name, statementTimeoutMs: 3_600_000, signal }, use);
  };
  return { target, act };
}

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => error,
  );

/** The address of the same database through another port. */
function through({ connection, ...rest }: TargetAddress, port: number): TargetAddress {
  const url = new URL(connection);
  url.port = String(port);
  return { ...rest, connection: url.href };
}

const portOf = ({ address }: FreshTarget): number => Number(new URL(address.connection).port);
const lost = expect.objectContaining({ code: 'session_lost' });

describe.each(majors)('a session on PostgreSQL %i', (major) => {
  it('ended between statements stays lost: nothing reconnects', async () => {
    const { target, act } = await setup(major);
    await act(async (session) => {
      await session.execute('SELECT 1');
      await target.admin.query('SELECT pg_terminate_backend($1, 5000)', [session.identity.pid]);
      expect(await outcome(session.execute('CREATE TABLE public.never ()'))).toEqual(lost);
      expect(await outcome(session.query('SELECT 1'))).toEqual(lost);
      expect(await outcome(session.cleanUp('SELECT 1'))).toEqual(lost);
      const { rows } = await target.admin.query(
        `SELECT FROM pg_stat_activity WHERE application_name = $1 AND datname = current_database()
         UNION ALL SELECT FROM pg_class WHERE relname = 'never'`,
        [name],
      );
      expect(rows).toEqual([]);
    });
  });

  it('ended during a statement rejects it as lost, not as failed', async () => {
    const { target, act } = await setup(major);
    await act(async (session) => {
      const working = outcome(session.execute('SELECT pg_sleep(600)'));
      await target.admin.query('SELECT pg_terminate_backend($1, 5000)', [session.identity.pid]);
      expect(await working).toMatchObject({ code: 'session_lost', sqlState: '57P01' });
    });
  });

  it('idle while the observer works outlives the server’s patience, and without keep-alives does not', async () => {
    const idle = async (keepAliveMs: number): Promise<unknown> => {
      const { act } = await setup(major);
      const work = async (session: TargetSession, observer: TargetReader) => {
        await observer.query('SELECT pg_sleep(2)');
        return await outcome(session.execute('SELECT 1'));
      };
      return act(work, { timings: { idleSessionTimeoutMs: 1_000, keepAliveMs } });
    };
    expect(await Promise.all([idle(150), idle(3_600_000)])).toEqual([
      'done',
      expect.objectContaining({ code: 'session_lost', sqlState: '57P05' }),
    ]);
  });
});

describe('a network that went silent', () => {
  const timings = { keepAliveMs: 100, answerDeadlineMs: 1_000, connectTimeoutMs: 1_500 };

  it('loses a session in the middle of a long statement', async () => {
    const { target, act } = await setup(18);
    const proxy = await startTcpProxy(portOf(target));
    const work = async (session: TargetSession, observer: TargetReader): Promise<void> => {
      const working = outcome(session.execute('SELECT pg_sleep(600)'));
      proxy.freeze();
      expect(await working).toEqual(lost);
      expect(await outcome(observer.query('SELECT 1'))).toEqual(lost);
    };
    await act(work, { timings, address: through(target.address, proxy.port) });
  });

  it('loses an idle session', async () => {
    const { target, act } = await setup(18);
    const proxy = await startTcpProxy(portOf(target));
    const work = async (session: TargetSession): Promise<void> => {
      proxy.freeze();
      await expect.poll(() => outcome(session.execute('SELECT 1')), { timeout: 10_000 }).toEqual(lost);
    };
    await act(work, { timings, address: through(target.address, proxy.port) });
  });

  it('does not keep a cancel waiting for ever: the socket goes, and the server ends the statement', async () => {
    const { target } = await setup(18);
    const proxy = await startTcpProxy(portOf(target));
    const stop = new AbortController();
    const gateway = createPostgresGateway({
      env: target.env,
      timings: { ...timings, keepAliveMs: 3_600_000, terminateAfterMs: 100, destroyAfterMs: 1_000 },
    });
    await gateway.act(
      through(target.address, proxy.port),
      { applicationName: name, statementTimeoutMs: 3_600_000, signal: stop.signal },
      async (session) => {
        const working = outcome(session.execute('SELECT pg_sleep(600)'));
        await setImmediate();
        proxy.freeze();
        stop.abort();
        expect(await working).toEqual(lost);
      },
    );
  });
});

describe('the cancel connection', () => {
  it('is made anew when it broke, and cancels all the same', async () => {
    const { target } = await setup(18);
    const stop = new AbortController();
    const options = { applicationName: name, statementTimeoutMs: 3_600_000, signal: stop.signal };
    await createPostgresGateway({ env: target.env }).act(target.address, options, async (session) => {
      const { rows } = await target.admin.query(
        `SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity
         WHERE application_name = $1 AND datname = current_database()`,
        [`${name}/cancel`],
      );
      expect(rows).toEqual([{ ended: true }]);
      const working = outcome(session.execute('SELECT pg_sleep(600)'));
      stop.abort();
      expect(await working).toMatchObject({ code: 'cancelled' });
    });
  });
});

describe('a pooler', () => {
  it.each(majors)('before PostgreSQL %i is known by the process it announces, and refused', async (major) => {
    const { target, act } = await setup(major);
    // As PgBouncer does: it answers the start-up itself, with a process id of its own.
    const proxy = await startTcpProxy(portOf(target), withAnotherPid);
    const address = through(target.address, proxy.port);
    expect(await outcome(act(async () => expect.unreachable('it began'), { address }))).toMatchObject({
      code: 'pooled',
    });
    const inspected = createPostgresGateway({ env: target.env }).inspect(address);
    await expect(inspected).rejects.toMatchObject({ code: 'pooled' });
  });
});

/** Changes the pid in BackendKeyData: `K`, length 12, pid, secret. */
function withAnotherPid(chunk: Buffer): Buffer {
  const at = chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
  if (at >= 0) chunk.writeInt32BE(chunk.readInt32BE(at + 5) + 1, at + 5);
  return chunk;
}
