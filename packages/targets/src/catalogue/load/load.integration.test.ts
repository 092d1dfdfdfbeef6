import type { TargetReader } from '@slacktide/application/ports';
import { judgeLoad, type LoadFigures, type ThrottleLimits, throttleLimits } from '@slacktide/domain';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { majors, type PostgresMajor, startPostgres, type TestPostgres } from '../../../../../test/support/postgres.ts';
import { startReplicaOf } from '../../../../../test/support/replica.ts';
import { createPostgresGateway } from '../../postgres-gateway.ts';

const mebibyte = 1_048_576;
const all: ThrottleLimits = throttleLimits.parse({ capacity_mb: 1_000_000, min_free_disk_mb: 1 });
/** No session has it. */
const nobody = 2_000_000_000;

function look<T>(url: string, use: (reader: TargetReader) => Promise<T>): Promise<T> {
  const connection = new URL(url);
  const env = { TARGET_PASSWORD: connection.password };
  connection.password = '';
  const address = { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' } as const;
  return createPostgresGateway({ env }).read(address, { applicationName: 'slacktide/test/1' }, use);
}

function readAs(server: TestPostgres, role: string, limits = all, pid = nobody): Promise<LoadFigures> {
  const url = new URL(server.url);
  url.username = role;
  const { readLoad } = createPostgresGateway({ env: {} });
  return look(url.href, (reader) => readLoad(reader, limits, pid));
}

async function setup(major: PostgresMajor) {
  const flags = ['archive_mode=on', 'archive_command=test ! -e no_archiving'];
  const server = await startPostgres(major, { flags });
  onTestFinished(() => server.stop());
  const clients: pg.Client[] = [];
  onTestFinished(async () => {
    await Promise.all(clients.map((client) => client.end()));
  });
  const connect = async (options: pg.ClientConfig = {}): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: server.url, ...options });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const admin = await connect();
  await admin.query(
    `CREATE ROLE plain LOGIN PASSWORD 'postgres'; CREATE ROLE watcher LOGIN PASSWORD 'postgres' IN ROLE pg_monitor`,
  );
  await admin.query('CREATE DATABASE closed');
  await admin.query('REVOKE CONNECT ON DATABASE closed FROM PUBLIC');
  return { server, admin, connect, major };
}

const gapsOf = (figures: LoadFigures) =>
  Object.entries(figures).flatMap(([name, { gap }]) => (gap === undefined ? [] : [[name, gap.grant]]));

describe.each(majors)('readLoad on PostgreSQL %i', (major) => {
  it('reads every figure that is asked for with the rights it names, and says which are lacking for a role without', async () => {
    const { server, admin, connect } = await setup(major);
    const none = Object.fromEntries(Object.keys(all).map((name) => [name, null])) as unknown as ThrottleLimits;
    expect(await readAs(server, 'plain', none)).toEqual({});
    expect(await readAs(server, 'plain', { ...none, min_free_disk_mb: 5 })).toEqual({});
    expect(Object.keys(await readAs(server, 'plain', { ...none, max_active_sessions: 5 }))).toEqual(['activeSessions']);

    // Archived once, then no more: what waits can be told from the latest archived, too.
    await admin.query('CREATE TABLE filler (n int)');
    const nextSegment = async (): Promise<void> => {
      await admin.query('INSERT INTO filler VALUES (1)');
      await admin.query('SELECT pg_switch_wal()');
    };
    expect((await readAs(server, 'plain')).archiveBacklog).toEqual({
      value: null,
      gap: {
        reason: 'pg_stat_archiver names no segment of this timeline yet',
        grant: 'GRANT pg_monitor TO plain',
      },
    });
    await nextSegment();
    const archived = async () =>
      (
        await admin.query(`SELECT archived_count > 0 AND NOT EXISTS (SELECT FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready') AS over
        FROM pg_stat_archiver`)
      ).rows[0].over;
    await expect.poll(archived).toBe(true);
    await admin.query(`COPY (SELECT) TO PROGRAM 'cat > no_archiving'`);
    for (let segment = 0; segment < 3; segment += 1) await nextSegment();

    const busy = await connect({ application_name: 'busy' });
    const ours = await connect({ application_name: 'slacktide/other/1' });
    const sleeping = [busy, ours].map((client) => client.query('SELECT pg_sleep(600)').catch(() => undefined));
    const holder = await connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE filler IN ACCESS EXCLUSIVE MODE');
    const [{ pid }] = (await holder.query('SELECT pg_backend_pid() AS pid')).rows;
    const waiter = await connect();
    const waiting = waiter.query('SELECT FROM filler').catch(() => undefined);
    const isWaiting = async () => (await readAs(server, 'postgres', all, pid)).waitingSessions;
    await expect.poll(isWaiting).toEqual({ value: 1 });

    const seen = await readAs(server, 'postgres', all, pid);
    // The waiter is at work, too.
    expect(seen).toMatchObject({
      replicaLagSeconds: { value: 0 },
      replicaLagBytes: { value: 0 },
      archiveBacklog: { value: 3 },
      activeSessions: { value: 2 },
      requestedCheckpoints: { value: expect.any(Number) },
      waitingSessions: { value: 1 },
    });
    expect(seen.usedDiskBytes?.value).toBeGreaterThan(20 * mebibyte);
    expect(gapsOf(seen)).toEqual([]);

    const watcher = await readAs(server, 'watcher', all, pid);
    expect(gapsOf(watcher)).toEqual([]);
    expect(watcher).toMatchObject({ archiveBacklog: { value: 3 }, activeSessions: { value: 2 } });

    const plain = await readAs(server, 'plain', all, pid);
    expect(gapsOf(plain)).toEqual([
      ['usedDiskBytes', 'GRANT pg_monitor TO plain'],
      ['activeSessions', 'GRANT pg_read_all_stats TO plain'],
    ]);
    expect(plain).toMatchObject({ archiveBacklog: { value: 3 }, waitingSessions: { value: 1 } });
    expect(plain.usedDiskBytes?.gap?.reason).toBe(
      'the size of 1 databases and the size of the write-ahead log is hidden from our role',
    );
    expect(plain.usedDiskBytes?.value).toBeGreaterThan(10 * mebibyte);

    await admin.query('CHECKPOINT');
    // Before 15 the counters come up to half a second late.
    const requested = async (): Promise<number> =>
      ((await readAs(server, 'plain')).requestedCheckpoints?.value ?? 0) - (seen.requestedCheckpoints?.value ?? 0);
    await expect.poll(requested).toBe(1);
    const after = await readAs(server, 'plain');
    expect(after.walBytes?.value).toBeGreaterThan(seen.walBytes?.value ?? Number.POSITIVE_INFINITY);

    await holder.query('ROLLBACK');
    await waiting;
    await admin.query('SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE $1', ['SELECT pg_sleep%']);
    await Promise.all(sleeping);
  });
});

describe.each([14, 18] as const)('readLoad of a primary with a standby, on PostgreSQL %i', (major) => {
  it('finds a standby behind that does not replay, whom the server tells no growing lag of, and whose figures are hidden', async () => {
    const { server, admin } = await setup(major);
    const replica = await startReplicaOf(server);
    const there = new pg.Client({ connectionString: replica.url });
    await there.connect();
    try {
      const limits = { ...all, max_replica_lag_mb: 4, max_replica_lag_seconds: 60 };
      const behind = async () => (await readAs(server, 'watcher', limits)).replicaLagBytes?.value;
      await expect.poll(behind).toBe(0);
      await there.query('SELECT pg_wal_replay_pause()');
      await admin.query('CREATE TABLE large AS SELECT n, repeat($1, 100) AS text FROM generate_series(1, 50000) AS n', [
        'x',
      ]);
      await expect.poll(behind).toBeGreaterThan(4 * mebibyte);
      const seen = await readAs(server, 'watcher', limits);
      expect(judgeLoad({ atMs: 0, ...seen }, [], limits).exceeded).toMatchObject([{ limit: 'max_replica_lag_mb' }]);
      const later = judgeLoad({ atMs: 61_000, ...seen }, [{ atMs: 0, ...seen }], limits).exceeded;
      expect(later).toMatchObject([{ limit: 'max_replica_lag_seconds', figure: 61 }, { limit: 'max_replica_lag_mb' }]);
      const plain = await readAs(server, 'plain', limits);
      const grant = 'GRANT pg_read_all_stats TO plain';
      expect(plain).toMatchObject({
        walBytes: { value: expect.any(Number) },
        replicaLagBytes: {
          value: 0,
          gap: { reason: 'what 1 of the standbys has replayed is hidden from our role', grant },
        },
        replicaLagSeconds: { gap: { grant } },
      });
      await there.query('SELECT pg_wal_replay_resume()');
      await expect.poll(behind).toBe(0);
    } finally {
      await there.end();
      await replica.stop();
    }
  });
});
