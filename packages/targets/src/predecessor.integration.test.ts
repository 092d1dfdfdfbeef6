import type { Intent, TargetSession } from '@slacktide/application/ports';
import { compareEpochs } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { majors } from '../../../test/support/postgres.ts';
import { type FreshTarget, freshTarget } from '../../../test/support/target.ts';
import { createPostgresGateway } from './postgres-gateway.ts';
import type { Timings } from './timings.ts';

const sleeping = 'SELECT pg_sleep(600)';

async function setup(major: (typeof majors)[number] = 18, timings: Partial<Timings> = {}) {
  const target = await freshTarget(major);
  const gateway = createPostgresGateway({ env: target.env, timings });
  const acting = (use: (session: TargetSession) => Promise<void>): Promise<void> =>
    gateway.act(
      target.address,
      { applicationName: 'slacktide/test/1', statementTimeoutMs: 600_000, signal: new AbortController().signal },
      use,
    );
  return { target, gateway, acting };
}

async function untilActive({ admin }: FreshTarget, { pid }: Intent): Promise<void> {
  const look = async () =>
    (
      await admin.query(`SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active' AND query = $2`, [
        pid,
        sleeping,
      ])
    ).rowCount;
  await expect.poll(look, { timeout: 10_000, interval: 10 }).toBe(1);
}

describe.each(majors)('on PostgreSQL %i, a predecessor', (major) => {
  it('is found at work, with its statement, and gone once its session has ended', async () => {
    const { target, gateway, acting } = await setup(major);
    let intent: Intent | undefined;
    await acting(async (session) => {
      intent = session.identity;
      const working = session.execute(sleeping).catch(() => undefined);
      await untilActive(target, session.identity);
      const found = await gateway.findPredecessor(target.address, session.identity);
      expect(found).toMatchObject({
        kind: 'running',
        state: 'active',
        waitsFor: 'Timeout: PgSleep',
        statement: sleeping,
      });
      expect(found.kind === 'running' && found.statementAgeMs).toBeGreaterThan(0);
      expect(compareEpochs(session.identity.epoch, found.epoch)).toBe('same');
      await target.admin.query('SELECT pg_cancel_backend($1)', [session.identity.pid]);
      await working;
    });
    if (intent === undefined) throw new Error('the session never opened');
    expect(await gateway.findPredecessor(target.address, intent)).toEqual({ kind: 'gone', epoch: intent.epoch });
    expect(await gateway.endPredecessor(target.address, intent)).toBe('gone');
  });

  it('is ended: its statement cancelled, its session terminated, the right to act free', async () => {
    const { target, gateway, acting } = await setup(major, { predecessorPatienceMs: 300 });
    const old = acting(async (session) => {
      const working = session.execute(sleeping);
      await untilActive(target, session.identity);
      const failed = working.catch((error: unknown) => error);
      expect(await gateway.endPredecessor(target.address, session.identity)).toBe('ended');
      expect(await failed).toMatchObject({ code: 'statement_failed', sqlState: '57014' });
    });
    await old;
    let acted = false;
    await acting(async () => {
      acted = true;
    });
    expect(acted).toBe(true);
  });
});

describe('a predecessor', () => {
  it.each<[string, Partial<Intent>]>([
    ['began at another time', { backendStart: '2026-11-22 03:00:00.000001+00' }],
    ['has another name', { applicationName: 'slacktide/test/2' }],
  ])('is neither found nor touched where the session of that pid %s', async (_, difference) => {
    const { target, gateway, acting } = await setup();
    await acting(async (session) => {
      const other = { ...session.identity, ...difference };
      expect(await gateway.findPredecessor(target.address, other)).toMatchObject({ kind: 'gone' });
      expect(await gateway.endPredecessor(target.address, other)).toBe('gone');
      expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    });
  });

  it('is no session of our name that does not hold the right to act', async () => {
    const { target, gateway } = await setup();
    const applicationName = 'slacktide/test/1';
    await gateway.read(target.address, { applicationName }, async (reader) => {
      expect(await gateway.findPredecessor(target.address, reader.identity)).toMatchObject({ kind: 'gone' });
    });
  });

  it('that belongs to a role out of reach is taken for running, and cannot be ended', async () => {
    const { target, gateway, acting } = await setup(18, { predecessorPatienceMs: 300 });
    await target.admin.query(`CREATE ROLE other_${target.role} LOGIN PASSWORD 'target-password'`);
    const connection = target.address.connection.replace(target.role, `other_${target.role}`);
    try {
      await acting(async (session) => {
        const address = { ...target.address, connection };
        const found = await gateway.findPredecessor(address, session.identity);
        expect(found).toMatchObject({ kind: 'running', state: null, statementAgeMs: null });
        expect(await gateway.endPredecessor(address, session.identity)).toBe('refused');
        expect(await session.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
      });
    } finally {
      await target.admin.query(`DROP ROLE other_${target.role}`);
    }
  });

  it('of another server, another secret or no server at all is not said to be gone', async () => {
    const { target, gateway, acting } = await setup();
    await acting(async ({ identity }) => {
      const unreachable = {
        ...target.address,
        connection: target.address.connection.replace(/@[^/]+/, '@127.0.0.1:1'),
      };
      await expect(gateway.findPredecessor(unreachable, identity)).rejects.toMatchObject({ code: 'unreachable' });
      await expect(gateway.endPredecessor(unreachable, identity)).rejects.toMatchObject({ code: 'unreachable' });
    });
  });
});
