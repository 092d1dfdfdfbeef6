import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { freshLedger, lookInto } from '../../../test/support/ledger.ts';
import { noon, sampleContext, sampleSchedule, sampleTarget } from '../../../test/support/ledger-data.ts';
import { connectLedger } from './connect.ts';

async function setup() {
  const databaseUrl = await freshLedger();
  const connection = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 4 });
  onTestFinished(() => connection.close());
  return { ...connection, sql: lookInto(databaseUrl) };
}

const signal = { module: 'backups', status: 'DEGRADED', message: 'two failed', lifeSeconds: 60 } as const;
const worker = {
  id: 'w1',
  host: 'h1',
  version: '1.2.3',
  taskTypes: ['INDEX_REBUILD', 'CHECKPOINT'],
  concurrency: 4,
  startedAt: noon,
  draining: false,
  clockSkewMs: 0,
};

describe('signals', () => {
  it('hold the latest word of a module, for its life', async () => {
    const { health } = await setup();
    await health.putSignal(signal);
    const put = await health.putSignal({ ...signal, status: 'HEALTHY', message: 'fine again' });
    expect(put).toMatchObject({ module: 'backups', status: 'HEALTHY', message: 'fine again' });
    expect(put.expiresAt.getTime() - put.at.getTime()).toBe(60_000);
    expect(await health.listSignals()).toEqual([put]);
  });

  it('are repeated only while the status stays: else nothing is written', async () => {
    const { health, sql } = await setup();
    expect(await health.repeatSignal(signal)).toBeUndefined();
    expect(await health.listSignals()).toEqual([]);
    const put = await health.putSignal(signal);
    const again = { ...signal, message: 'three failed', lifeSeconds: 90 };
    expect(await health.repeatSignal({ ...again, status: 'HEALTHY' })).toBeUndefined();
    expect(await health.listSignals()).toEqual([put]);
    const repeated = await health.repeatSignal(again);
    expect(repeated).toMatchObject({ module: 'backups', status: 'DEGRADED', message: 'three failed' });
    expect(await health.listSignals()).toEqual([repeated]);
    await sql`UPDATE health_signals SET expires_at = now() - interval '61 minutes'`;
    expect(await health.repeatSignal(again)).toBeUndefined();
  });

  it('are got for update by one transaction at a time, though there is none yet', async () => {
    const { health, ledger, sql } = await setup();
    const got = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const audit = [{ action: 'signal.change', entity: 'signal', entityId: 'backups' }] as const;
    const first = ledger.transaction(sampleContext(), async (tx) => {
      expect(await tx.signals.getForUpdate('backups')).toBeUndefined();
      got.resolve();
      await release.promise;
      await tx.signals.put(signal);
      return { result: null, audit };
    });
    await got.promise;
    const second = ledger.transaction(sampleContext(), async (tx) => ({
      result: (await tx.signals.getForUpdate('backups'))?.status ?? null,
      audit,
    }));
    await vi.waitFor(
      async () => {
        expect(
          await sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
        ).toHaveLength(1);
      },
      { timeout: 20_000 },
    );
    release.resolve();
    await first;
    expect(await second).toBe('DEGRADED');
    expect(await health.listSignals()).toMatchObject([{ module: 'backups', status: 'DEGRADED' }]);
  });

  it('of a target are listed, expired or not, as long as it exists', async () => {
    const { health, ledger, sql } = await setup();
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.targets.insert(sampleTarget());
      return { result: null, audit: [{ action: 'target.create', entity: 'target', entityId: 'shop' }] };
    });
    // The look at `gone` ended after it was deleted.
    for (const module of ['target:gone', 'target:shop']) await health.putSignal({ ...signal, module });
    expect((await health.listSignals()).map(({ module }) => module)).toEqual(['target:shop']);
    await sql`UPDATE health_signals SET expires_at = now() - interval '2 days'`;
    await health.putSignal(signal);
    expect((await health.listSignals()).map(({ module }) => module)).toEqual(['backups', 'target:shop']);
    expect(await sql`SELECT FROM health_signals`).toHaveLength(2);
  });

  it('are listed by module until they are expired for an hour, then forgotten', async () => {
    const { health, sql } = await setup();
    for (const module of ['c', 'b', 'a']) await health.putSignal({ ...signal, module });
    await sql`UPDATE health_signals SET expires_at = now() - interval '59 minutes' WHERE module = 'b'`;
    await sql`UPDATE health_signals SET expires_at = now() - interval '61 minutes' WHERE module = 'c'`;
    expect((await health.listSignals()).map(({ module }) => module)).toEqual(['a', 'b']);
    await health.putSignal(signal);
    expect(await sql`SELECT module FROM health_signals ORDER BY 1`).toEqual(
      ['a', 'b', 'backups'].map((module) => ({ module })),
    );
  });
});

describe('workers', () => {
  it('are listed with their latest heartbeat until they sign off', async () => {
    const { health, ledger } = await setup();
    await health.beat(worker);
    await health.beat({ ...worker, id: 'w2' });
    await health.beat({ ...worker, draining: true, concurrency: 2, clockSkewMs: -2500.5 });
    const before = await ledger.now();
    await health.beat({ ...worker, id: 'w2' });
    const [first, second] = await health.listWorkers();
    expect(first).toEqual({
      ...worker,
      draining: true,
      concurrency: 2,
      clockSkewMs: -2500.5,
      lastSeenAt: expect.any(Date),
    });
    expect(second?.lastSeenAt.getTime()).toBeGreaterThanOrEqual(before.getTime());
    await health.signOff('w1');
    expect((await health.listWorkers()).map(({ id }) => id)).toEqual(['w2']);
  });

  it('are told the time of the ledger with each heartbeat, by its clock at that moment', async () => {
    const { health, sql } = await setup();
    const told = await Promise.all([1, 2, 3].map(() => health.beat(worker)));
    const [kept] = await sql<{ at: Date }[]>`SELECT last_seen_at AS at FROM workers`;
    for (const at of told) expect(at).toBeInstanceOf(Date);
    expect(Math.max(...told.map((at) => at.getTime()))).toBeGreaterThanOrEqual(kept?.at.getTime() ?? Number.NaN);
  });

  it('that died are listed for a day', async () => {
    const { health, sql } = await setup();
    for (const id of ['w1', 'w2']) await health.beat({ ...worker, id });
    await sql`UPDATE workers SET last_seen_at = now() - interval '23 hours' WHERE id = 'w1'`;
    await sql`UPDATE workers SET last_seen_at = now() - interval '25 hours' WHERE id = 'w2'`;
    await health.beat({ ...worker, id: 'w3' });
    expect((await health.listWorkers()).map(({ id }) => id)).toEqual(['w1', 'w3']);
  });
});

describe('readLateness', () => {
  it('counts enabled schedules that are late by more than was asked, and names the latest of all', async () => {
    const { health, ledger } = await setup();
    const now = (await ledger.now()).getTime();
    const due = (id: string, inMs: number | null, enabled = true) =>
      sampleSchedule({ id, enabled, nextDueAt: inMs === null ? null : new Date(now + inMs) });
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.targets.insert(sampleTarget());
      for (const schedule of [
        due('late', -60_000),
        due('later', -3_600_000),
        due('soon', 60_000),
        due('off', null, false),
      ]) {
        await tx.schedules.insert(schedule);
      }
      return { result: null, audit: [{ action: 'schedule.create', entity: 'schedule', entityId: 'late' }] };
    });
    const { count, worst } = await health.readLateness(59.5);
    expect({ count, worst }).toMatchObject({ count: 2, worst: { scheduleId: 'later', name: 'Schedule later' } });
    expect(worst?.lateSeconds).toBeGreaterThanOrEqual(3600);
    expect(await health.readLateness(3_000)).toMatchObject({ count: 1, worst: { scheduleId: 'later' } });
    expect(await health.readLateness(86_400)).toMatchObject({ count: 0, worst: { scheduleId: 'later' } });
  });
});

it('names nobody where none is late', async () => {
  const { health } = await setup();
  expect(await health.readLateness(0)).toEqual({ count: 0, worst: null });
});

describe('ping', () => {
  it('resolves while the ledger is there, and is ledger_unavailable when it is not', async () => {
    const { health, close } = await setup();
    await health.ping();
    await close();
    await expect(health.ping()).rejects.toMatchObject({ code: 'ledger_unavailable' });
  });
});
