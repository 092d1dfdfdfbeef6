import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres, withDatabase } from '../../../../test/support/postgres.ts';
import { startReplicaOf, waitForReplay } from '../../../../test/support/replica.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, type CheckRunOptions, openCheckRig, standbyAt } from '../../test/check-rig.ts';
import { replication } from './index.ts';
import type { ReplicationConfig } from './schema.ts';

/** Its database stays with its server. */
const openRig = (url: string): Promise<CheckRig> => openCheckRig({ url, drop: async () => undefined });

/** Writes that much WAL, whatever is written to tables. */
async function writeWal(rig: CheckRig, megabytes: number): Promise<void> {
  await rig.sql(`SELECT pg_logical_emit_message(false, 'test', repeat('x', 1024 * 1024)) FROM generate_series(1, $1)`, [
    megabytes,
  ]);
  // Flushes it.
  await rig.sql(`SET synchronous_commit = local; SELECT pg_logical_emit_message(true, 'test', '')`);
}

async function reload(rig: CheckRig, statement: string): Promise<void> {
  await rig.sql(`ALTER SYSTEM ${statement}`);
  const [before] = await rig.sql<{ at: string }>('SELECT pg_conf_load_time()::text AS at');
  await rig.sql('SELECT pg_reload_conf()');
  await expect.poll(async () => (await rig.sql('SELECT pg_conf_load_time()::text AS at'))[0]).not.toEqual(before);
}

const found = async (rig: CheckRig, config: Partial<ReplicationConfig> = {}, options: CheckRunOptions = {}) =>
  (await rig.run(replication, config, options)).findings.map(({ object, severity, evidence }) => [
    object.name,
    severity,
    ...(evidence['problems'] as string[]),
  ]);

describe.each(majors)('replication on PostgreSQL %i', (major) => {
  it('knows that nothing replicates', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    expect(await rig.run(replication)).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [],
      figures: { role: 'primary', connected: 0, slots: 0, subscriptions: 0, expected_standbys: 0 },
    });
  });

  it('judges slots that nobody reads, and commits that hang', async () => {
    const primary = await startPostgres(major, { flags: ['wal_level=logical', 'synchronous_commit=on'] });
    onTestFinished(() => primary.stop());
    await using rig = await openRig(primary.url);
    // Slots: hostile names are refused by the server, so that quoting shows in the statement only.
    await rig.sql(
      `SELECT pg_create_physical_replication_slot('orphan', true), pg_create_physical_replication_slot('unused')`,
    );
    await rig.sql(`SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')`);
    await writeWal(rig, 3);
    const slots = await rig.run(replication, { max_slot_retained_mb: 2 });
    expect(slots.findings.map(({ object, severity }) => [object.name, severity])).toEqual([
      ['slot cdc', 'critical'],
      ['slot orphan', 'critical'],
      ['slot unused', 'info'],
    ]);
    expect(await found(rig)).toEqual([
      ['slot cdc', 'info', 'inactive'],
      ['slot orphan', 'info', 'inactive'],
      ['slot unused', 'info', 'inactive'],
    ]);
    const later = { now: new Date(Date.now() + 7_200_000) };
    expect(await found(rig, {}, later)).toContainEqual(['slot orphan', 'warning', 'inactive']);
    await rig.execute(
      slots.findings
        .filter(({ object }) => object.name !== 'slot orphan')
        .map(({ evidence }) => String(evidence['statement'])),
    );

    // A slot that lost its WAL.
    await reload(rig, `SET max_slot_wal_keep_size = '1MB'`);
    for (let segment = 0; segment < 3; segment += 1) {
      await rig.sql(`SELECT pg_logical_emit_message(true, 'test', ''), pg_switch_wal()`);
    }
    await rig.sql('CHECKPOINT');
    const lost = (await rig.run(replication)).findings;
    expect(lost).toMatchObject([
      {
        object: { kind: 'slot', name: 'slot orphan' },
        severity: 'critical',
        evidence: {
          problems: ['lost'],
          wal_status: 'lost',
          ...(major >= 17 ? { invalidation_reason: 'wal_removed' } : {}),
        },
        action: null,
      },
    ]);
    await rig.execute([String(lost[0]?.evidence['statement'])]);
    expect(await found(rig)).toEqual([]);

    // Commits that hang without an error.
    await reload(rig, `SET synchronous_standby_names = 'nobody'`);
    const commit = (await rig.connect()).query('CREATE TABLE public.t (n int)');
    await expect
      .poll(async () => (await rig.run(replication)).findings)
      .toMatchObject([
        {
          object: { kind: 'cluster', name: 'synchronous_standby_names' },
          severity: 'critical',
          evidence: { problems: ['commits_hang'], missing: ['nobody'], commits_waiting: 1 },
        },
      ]);
    await reload(rig, 'RESET synchronous_standby_names');
    await commit;
    expect(await found(rig)).toEqual([]);
  });
});

// What the server tells of standbys is the same from 14 to 18.
describe.each([14, 18] as const)('replication to standbys of PostgreSQL %i', (major) => {
  it('judges standbys from both sides', async () => {
    const primary = await startPostgres(major, { flags: ['wal_level=logical', 'synchronous_commit=on'] });
    onTestFinished(() => primary.stop());
    await using rig = await openRig(primary.url);
    await rig.sql(`SELECT pg_create_physical_replication_slot('second')`);
    const flags = ['primary_slot_name=second', 'wal_receiver_status_interval=1', 'max_standby_streaming_delay=0'];
    const replica = await startReplicaOf(primary, { name: 'second', flags });
    onTestFinished(() => replica.stop());
    await using there = await openRig(replica.url);
    const name = `127.0.0.1:${replica.port}/postgres`;
    const standbys = [standbyAt(replica.url, name)];
    await waitForReplay(primary.url, replica.url);
    await expect
      .poll(() => rig.run(replication, { max_lag_mb: 0 }, { standbys }))
      .toMatchObject({
        checked: 4,
        findings: [],
        unknown: [],
        skipped: [],
        figures: { streaming: 1, slots: 1, inactive_slots: 0, expected_standbys: 1, largest_lag_bytes: 0 },
      });
    expect(await there.run(replication)).toMatchObject({ checked: 2, findings: [], figures: { role: 'standby' } });

    // Behind, and why.
    await there.sql('SELECT pg_wal_replay_pause()');
    await writeWal(rig, 3);
    await expect
      .poll(() => found(rig, { max_lag_mb: 2 }, { standbys }))
      .toEqual([
        ['standby second', 'warning', 'behind'],
        [`standby ${name}`, 'warning', 'paused', 'behind'],
      ]);
    expect(await found(there)).toEqual([['standby this server', 'warning', 'paused']]);
    await there.sql('SELECT pg_wal_replay_resume()');
    await waitForReplay(primary.url, replica.url);
    await expect.poll(() => found(rig, { max_lag_mb: 2 }, { standbys })).toEqual([]);

    // A query that replay does not wait for.
    await rig.sql('CREATE TABLE public.t AS SELECT generate_series(1, 10) AS n');
    await waitForReplay(primary.url, replica.url);
    const reader = await there.connect();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.t');
    expect(await found(rig, {}, { standbys })).toEqual([]);
    await rig.sql('DELETE FROM public.t');
    await rig.sql('VACUUM public.t');
    await expect.poll(() => found(rig, {}, { standbys })).toEqual([[`standby ${name}`, 'warning', 'conflicts']]);
    expect(await found(rig, {}, { standbys })).toEqual([]);

    // What a role may see.
    const { name: blind } = await createRole(primary.url);
    const monitor = await createRole(primary.url, 'IN ROLE pg_monitor');
    for (const role of [blind, monitor.name]) await rig.sql(`ALTER ROLE ${role} PASSWORD 'postgres'`);
    await waitForReplay(primary.url, replica.url);
    expect(await rig.run(replication, {}, { as: monitor.name, standbys })).toMatchObject({ findings: [], unknown: [] });
    expect((await rig.run(replication, {}, { as: blind })).unknown).toEqual([
      { object: 'standby second', reason: 'insufficient_privilege', grant: `GRANT pg_read_all_stats TO ${blind}` },
    ]);
    expect(await found(there)).toEqual([['standby this server', 'warning', 'conflicts']]);
    expect((await there.run(replication, {}, { as: blind })).unknown).toMatchObject([
      { object: 'standby this server' },
    ]);

    // Others in the standby's place.
    const elsewhere = standbyAt(inject('targetUrls')[major], 'elsewhere');
    const nowhere = standbyAt('postgresql://postgres:postgres@127.0.0.1:1/postgres', 'nowhere');
    const report = await rig.run(replication, {}, { standbys: [elsewhere, nowhere] });
    expect(report.findings).toMatchObject([
      { object: { name: 'standby elsewhere' }, severity: 'critical', evidence: { problems: ['other_cluster'] } },
    ]);
    expect(report.unknown).toEqual([{ object: 'standby nowhere', reason: 'unreachable', grant: null }]);

    // Asked to confirm commits, with one who is not there.
    await reload(rig, `SET synchronous_standby_names = 'FIRST 1 ("we""ird; --", second)'`);
    await expect.poll(() => found(rig)).toEqual([['synchronous_standby_names', 'warning', 'names_nobody']]);
    await reload(rig, 'RESET synchronous_standby_names');

    // A standby that became a primary.
    await there.sql('SELECT pg_promote()');
    await expect
      .poll(async () => (await found(rig, {}, { standbys })).find(([object]) => object === `standby ${name}`))
      .toEqual([`standby ${name}`, 'critical', 'not_a_standby']);
    expect(await found(rig)).toEqual([['slot second', 'info', 'inactive']]);
  });
});

describe.each([14, 18] as const)('replication by subscriptions on PostgreSQL %i', (major) => {
  it('finds a subscription that fails, is disabled, and finds nothing while it works', async () => {
    const server = await startPostgres(major, { flags: ['wal_level=logical', 'wal_retrieve_retry_interval=100ms'] });
    onTestFinished(() => server.stop());
    await using publisher = await openRig(server.url);
    await publisher.sql('CREATE DATABASE subscriber');
    await using rig = await openRig(withDatabase(server.url, 'subscriber'));
    for (const each of [publisher, rig]) await each.sql('CREATE TABLE public.t (n int PRIMARY KEY)');
    await publisher.sql('CREATE PUBLICATION p FOR TABLE public.t');
    await publisher.sql(`SELECT pg_create_logical_replication_slot('orders', 'pgoutput')`);
    const connection = `host=127.0.0.1 port=${server.port} user=postgres password=postgres dbname=postgres`;
    await rig.sql(
      `CREATE SUBSCRIPTION "we""ird; --" CONNECTION '${connection}' PUBLICATION p WITH (create_slot = false, slot_name = 'orders', copy_data = false)`,
    );
    const name = 'subscription we"ird; --';
    await expect
      .poll(() => rig.run(replication))
      .toMatchObject({
        checked: 3,
        findings: [],
        skipped: [{ object: 'standby we"ird; --', reason: 'logical_consumer' }],
        figures: { subscriptions: 1, streaming: 1 },
      });

    await rig.sql('INSERT INTO public.t VALUES (1)');
    await publisher.sql('INSERT INTO public.t VALUES (1)');
    const failing = expect.arrayContaining([
      [name, ...(major >= 15 ? [expect.any(String), expect.any(String)] : ['critical', 'not_running'])],
    ]);
    await expect.poll(() => found(rig)).toEqual(failing);
    const { name: blind } = await createRole(server.url);
    await rig.sql(`ALTER ROLE ${blind} PASSWORD 'postgres'`);
    await expect.poll(() => found(rig, {}, { as: blind })).toEqual(failing);

    await rig.sql('ALTER SUBSCRIPTION "we""ird; --" DISABLE');
    await expect
      .poll(async () => (await rig.run(replication)).findings.find(({ object }) => object.name === name))
      .toMatchObject({
        object: { kind: 'subscription' },
        evidence: { problems: ['disabled'], enabled: false },
        action: null,
      });
    await rig.sql('DELETE FROM public.t');
    await rig.sql('ALTER SUBSCRIPTION "we""ird; --" ENABLE');
    await expect.poll(() => found(rig)).toEqual([]);
    expect(await rig.sql('SELECT n FROM public.t')).toEqual([{ n: 1 }]);
  });
});
