import { type NodeObservation, type ObservedKind, TargetError, type TargetReader } from '@slacktide/application/ports';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { startReplicaOf, waitForReplay } from '../../../../test/support/replica.ts';
import { createRole } from '../../../../test/support/role.ts';
import { createPostgresGateway } from '../postgres-gateway.ts';
import { readNode } from './node-readings.ts';

const fixture = `
CREATE SCHEMA "we""ird; --";
CREATE TABLE "we""ird; --"."it's" (id int PRIMARY KEY, n int) WITH (autovacuum_enabled = off);
INSERT INTO "we""ird; --"."it's" SELECT n, n FROM generate_series(1, 1000) AS n;
CREATE MATERIALIZED VIEW view AS SELECT 1 AS one;
CREATE TABLE parted (id int) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE INDEX parted_id ON parted (id);
CREATE TABLE locked (id int CONSTRAINT locked_pkey PRIMARY KEY);
CREATE TABLE wanted (id int);
CREATE EXTENSION pgstattuple;
CREATE TABLE member (id int PRIMARY KEY);
ALTER EXTENSION pgstattuple ADD TABLE member`;

const hostile = `we"ird; --.it's`;
const relations = {
  table: [hostile, 'public.view', 'public.parted_1', 'public.locked', 'public.wanted'].sort(),
  index: [`we"ird; --.it's_pkey`, 'public.parted_1_id_idx', 'public.locked_pkey'].sort(),
};

function look<T>(url: string, use: (reader: TargetReader) => Promise<T>): Promise<T> {
  const connection = new URL(url);
  const env = { TARGET_PASSWORD: connection.password };
  connection.password = '';
  const address = { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' } as const;
  return createPostgresGateway({ env }).read(address, { applicationName: 'slacktide/test/1' }, use);
}

const read = (url: string): Promise<NodeObservation> => look(url, (reader) => readNode(reader, 'primary'));

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Dropping the database ends it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Counters are told when the session that made them ends. */
async function once(url: string, sql: string): Promise<void> {
  const client = await connect(url);
  await client.query(sql);
  await client.end();
}

function reading({ readings }: NodeObservation, kind: ObservedKind, name: string) {
  const found = readings.find((one) => one.kind === kind && one.name === name);
  if (found === undefined) throw new Error(`expected a reading of ${name}`);
  return found;
}

function names({ readings }: NodeObservation, kind: ObservedKind): string[] {
  return readings.flatMap((one) => (one.kind === kind ? [one.name] : [])).sort();
}

const unsized = ({ readings }: NodeObservation): string[] =>
  readings
    .flatMap(({ kind, name, gauges }) =>
      kind !== 'cluster' && kind !== 'sequence' && !('size_bytes' in gauges) ? [name] : [],
    )
    .sort();

describe.each([14, 18] as const)('readNode of sequences on PostgreSQL %i', (major) => {
  it('tells how much of what the sequence may give, and its column hold, is used', async () => {
    const role = await createRole(inject('targetUrls')[major]);
    const { url, drop } = await createDatabase(inject('targetUrls')[major]);
    onTestFinished(drop);
    await once(
      url,
      `CREATE TABLE orders (id int, big bigserial);
       CREATE SEQUENCE wide OWNED BY orders.id; SELECT setval('wide', 1073741824);
       CREATE SEQUENCE small AS smallint; SELECT setval('small', 32767);
       CREATE SEQUENCE down INCREMENT -1 MINVALUE -101 MAXVALUE -1; SELECT setval('down', -51);
       CREATE SEQUENCE round MAXVALUE 10 CYCLE; SELECT setval('round', 10); CREATE SEQUENCE unused`,
    );
    const used = (seen: NodeObservation) =>
      Object.fromEntries(
        seen.readings
          .filter(({ kind }) => kind === 'sequence')
          .map(({ name, gauges }) => [name, gauges['used_percent'] ?? null]),
      );
    const seen = used(await read(url));
    expect(seen).toEqual({
      'public.orders_big_seq': null,
      'public.unused': null,
      'public.wide': expect.closeTo(50, 5),
      'public.small': 100,
      'public.down': 50,
    });
    // Who may not read a sequence does not take it for an unused one.
    expect(Object.values(used(await read(role.urlOf(url))))).toEqual([null, null, null, null, null]);
  });
});

describe.each(majors)('readNode on PostgreSQL %i', (major) => {
  it('reads the counters and sizes of what is watched, whoever holds a lock and whatever the role may', async () => {
    const role = await createRole(inject('targetUrls')[major]);
    const { url, name, drop } = await createDatabase(inject('targetUrls')[major]);
    onTestFinished(drop);
    const client = await connect(url);
    onTestFinished(() => client.end());
    await client.query('CREATE TEMP TABLE gone (id int PRIMARY KEY)');
    await once(url, fixture);
    await once(url, `ANALYZE "we""ird; --"."it's"`);
    const live = async () => reading(await read(url), 'table', hostile).gauges['live_rows'];
    await expect.poll(live).toBe(1000);
    const before = await read(url);
    expect(before).toMatchObject({ node: 'primary', complete: ['cluster', 'database', 'table', 'index', 'sequence'] });
    expect(JSON.parse(JSON.stringify(before))).toEqual(before);
    expect({ table: names(before, 'table'), index: names(before, 'index') }).toEqual(relations);
    expect(names(before, 'cluster')).toEqual(['cluster']);
    expect(names(before, 'database')).toEqual([name]);
    expect(unsized(before)).toEqual([]);
    for (const { counters, gauges } of before.readings) {
      for (const figure of Object.values({ ...counters, ...gauges })) expect(figure).toBeGreaterThanOrEqual(0);
    }
    const table = reading(before, 'table', hostile);
    const index = reading(before, 'index', `${hostile}_pkey`);
    expect(table.gauges).toMatchObject({ estimated_rows: 1000, size_bytes: 5 * 8192 });
    const { rows } = await client.query(
      `SELECT c.oid, c.relfilenode AS filenode FROM pg_class c WHERE relname LIKE 'it''s%' ORDER BY relkind DESC`,
    );
    expect([table, index].map(({ oid, filenode }) => ({ oid, filenode }))).toEqual(rows);

    await once(
      url,
      `SET enable_seqscan = off; SET enable_bitmapscan = off; SELECT n FROM "we""ird; --"."it's" WHERE id = 7;
      SELECT n FROM "we""ird; --"."it's" WHERE id = 8; RESET enable_seqscan; DELETE FROM "we""ird; --"."it's" WHERE n > 900`,
    );
    const grown = (after: NodeObservation) => {
      const [now, nowIndex] = [reading(after, 'table', hostile), reading(after, 'index', `${hostile}_pkey`)];
      const change = (key: string) => (now.counters[key] ?? 0) - (table.counters[key] ?? 0);
      return {
        scans: (nowIndex.counters['scans'] ?? 0) - (index.counters['scans'] ?? 0),
        deleted: change('rows_deleted'),
        seqScans: change('seq_scans'),
        dead: now.gauges['dead_rows'],
        live: now.gauges['live_rows'],
      };
    };
    await expect
      .poll(async () => grown(await read(url)))
      .toEqual({ scans: 2, deleted: 100, seqScans: 1, dead: 100, live: 900 });
    expect((await read(url)).epoch).toBe(before.epoch);

    // One has the table for himself alone, one waits to have it: a size would wait for both.
    await client.query('BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE; SELECT FROM wanted');
    const waiter = await connect(url);
    const waiting = waiter.query('BEGIN; LOCK TABLE wanted IN ACCESS EXCLUSIVE MODE').catch(() => undefined);
    await expect
      .poll(() =>
        look(url, (reader) =>
          reader.query(`SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.wanted'::regclass`),
        ),
      )
      .toHaveLength(1);
    const locked = await read(url);
    expect(unsized(locked)).toEqual(['public.locked', 'public.locked_pkey', 'public.wanted']);
    expect(names(locked, 'table')).toEqual(relations.table);
    await client.query('ROLLBACK');
    await waiting;
    await waiter.end();

    // A lock that comes between the look at the locks and the look at a size.
    const late = await look(url, (reader) =>
      readNode({ ...reader, query: (sql, parameters) => lockedLate(reader, sql, parameters) }, 'primary'),
    );
    expect(unsized(late)).toEqual([...relations.table, ...relations.index].sort());
    expect(reading(late, 'index', `${hostile}_pkey`).counters).toMatchObject({ scans: expect.any(Number) });

    const blind = await look(role.urlOf(url), async (reader) => {
      const seen = await readNode(reader, 'primary');
      await client.query(`REVOKE CONNECT ON DATABASE ${name} FROM PUBLIC`);
      return [seen, await readNode(reader, 'primary')] as const;
    });
    expect(blind.map(unsized)).toEqual([[], [name]]);
    for (const seen of blind) {
      expect({ table: names(seen, 'table'), index: names(seen, 'index') }).toEqual(relations);
      expect(seen.epoch).toBe(before.epoch);
      expect(Object.keys(reading(seen, 'database', name).counters)).toContain('commits');
    }

    await client.query('SELECT pg_stat_reset()');
    await expect.poll(async () => (await read(url)).epoch).not.toBe(before.epoch);
  });
});

describe.each([14, 18] as const)('readNode of a cluster on PostgreSQL %i', (major) => {
  it('reads a standby by its own counters, and tells a crash by another epoch', async () => {
    const primary = await startPostgres(major);
    onTestFinished(() => primary.stop());
    await once(primary.url, fixture.replaceAll(/^.*(pgstattuple|member).*$/gm, ''));
    const standby = await startReplicaOf(primary);
    onTestFinished(() => standby.stop());
    await waitForReplay(primary.url, standby.url);
    const before = await read(primary.url);
    const seen = await read(standby.url);
    expect(seen.epoch).not.toBe(before.epoch);
    expect(reading(before, 'cluster', 'cluster').counters['wal_bytes']).toBeGreaterThan(0);
    expect(reading(seen, 'cluster', 'cluster')).toMatchObject({
      counters: {},
      gauges: { xid_age: expect.any(Number) },
    });
    for (const kind of ['table', 'index'] as const) {
      expect(names(seen, kind)).toEqual(relations[kind]);
      for (const name of relations[kind]) {
        const { oid, filenode } = reading(before, kind, name);
        expect(reading(seen, kind, name)).toMatchObject({ oid, filenode });
      }
    }
    await once(standby.url, `SET enable_seqscan = off; SELECT n FROM "we""ird; --"."it's" WHERE id = 7`);
    const scans = async (url: string) => reading(await read(url), 'index', `${hostile}_pkey`).counters['scans'];
    await expect.poll(() => scans(standby.url)).toBe(1);
    expect(await scans(primary.url)).toBe(0);

    const victim = await connect(primary.url);
    const { rows } = await victim.query('SELECT pg_backend_pid() AS pid');
    process.kill(rows[0].pid, 'SIGKILL');
    await expect.poll(async () => (await read(primary.url)).epoch).not.toBe(before.epoch);
  });
});

function lockedLate<R extends object>(
  reader: TargetReader,
  sql: string,
  parameters?: readonly unknown[],
): Promise<R[]> {
  if (sql.includes('pg_relation_size')) return Promise.reject(new TargetError('lock_timeout', 'no lock in time'));
  return reader.query<R>(sql, parameters);
}
