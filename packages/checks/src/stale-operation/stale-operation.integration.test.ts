import { randomBytes } from 'node:crypto';
import type pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { startReplicaOf } from '../../../../test/support/replica.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { staleOperation } from './index.ts';

/** Everything that goes on has gone on for too long. */
const atOnce = { stale_after_seconds: 0, idle_in_transaction_seconds: 0, prepared_transaction_seconds: 0 };

async function pidOf(client: pg.Client): Promise<number> {
  return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
}

/** A session at a statement that does not end by itself, once the server says that it waits for `event`. */
async function atStatement(rig: CheckRig, applicationName: string, sql: string, event: string) {
  const client = await rig.connect({ applicationName });
  const pid = await pidOf(client);
  const outcome = client.query(sql).then(
    () => 'done',
    (error: { code?: string; message: string }) => error.code ?? error.message,
  );
  // The rows stay where they are.
  if (event === 'ClientWrite') client.connection.stream.pause();
  await expect
    .poll(async () => (await rig.sql('SELECT wait_event FROM pg_stat_activity WHERE pid = $1', [pid]))[0])
    .toEqual({ wait_event: event });
  return { client, pid, outcome };
}

async function inTransaction(rig: CheckRig, applicationName: string, sql: string, as?: string) {
  const client = await rig.connect({ applicationName, ...(as === undefined ? {} : { as }) });
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
  await client.query(sql).catch(() => undefined);
  return { client, pid: await pidOf(client).catch(() => 0) };
}

describe.each(majors)('stale_operation on PostgreSQL %i', (major) => {
  it('tells kinds of staleness apart, whom they make wait, and what would end them', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql('CREATE TABLE public.t (n int); CREATE TABLE public.u (n int)');
    await rig.connect({ applicationName: 'idle' });
    const dump = await inTransaction(rig, 'pg_dump', 'SELECT 1');
    const ours = await inTransaction(rig, 'slacktide/task/1', 'SELECT 1');
    const idle = await inTransaction(rig, 'we"ird; --', 'LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE');
    const writer = await inTransaction(rig, 'writer', 'INSERT INTO public.u VALUES (1)');
    await inTransaction(rig, 'failed', 'SELECT 1 / 0');
    const long = await atStatement(rig, 'report', `SELECT pg_sleep(600), 'secret'`, 'PgSleep');
    const waiter = await atStatement(rig, 'waiter', 'SELECT n FROM public.t WHERE n = 4711', 'relation');
    const build = await atStatement(rig, 'build', 'CREATE INDEX CONCURRENTLY u_n ON public.u (n)', 'virtualxid');
    const rows = `SELECT repeat('x', 10000) FROM generate_series(1, 2000)`;
    const slow = await atStatement(rig, 'slow client', rows, 'ClientWrite');

    const report = await rig.run(staleOperation, atOnce);
    const found = Object.fromEntries(
      report.findings.map(({ evidence, severity, action }) => [
        evidence['application'],
        {
          kind: evidence['kind'],
          severity,
          signal: action?.sql[0]?.match(/pg_(cancel|terminate)_backend/)?.[1] ?? null,
        },
      ]),
    );
    expect(found).toEqual({
      'we"ird; --': { kind: 'idle_in_transaction', severity: 'critical', signal: 'terminate' },
      writer: { kind: 'idle_in_transaction', severity: 'critical', signal: 'terminate' },
      failed: { kind: 'idle_in_transaction', severity: 'warning', signal: 'terminate' },
      report: { kind: 'active_statement', severity: 'warning', signal: 'cancel' },
      waiter: { kind: 'active_statement', severity: 'warning', signal: null },
      build: { kind: 'active_statement', severity: 'info', signal: null },
      'slow client': { kind: 'client_slow', severity: 'warning', signal: 'terminate' },
    });
    const evidenceOf = (pid: number) => report.findings.find(({ evidence }) => evidence['pid'] === pid)?.evidence;
    expect(evidenceOf(long.pid)?.['statement']).toBe('SELECT pg_sleep(?), ?');
    expect(evidenceOf(waiter.pid)).toMatchObject({
      blocked_by: [idle.pid],
      statement: 'SELECT n FROM public.t WHERE n = ?',
    });
    expect(evidenceOf(idle.pid)).toMatchObject({ blocks: 1, state: 'idle in transaction' });
    expect(evidenceOf(build.pid)).toMatchObject({
      maintenance_command: 'CREATE INDEX CONCURRENTLY',
      blocked_by: [writer.pid],
    });
    expect(report.unknown).toEqual([]);
    expect(report.skipped).toEqual(
      expect.arrayContaining([
        { object: `pid ${dump.pid}`, reason: 'dump' },
        { object: `pid ${ours.pid}`, reason: 'ignored_application' },
      ]),
    );
    expect(await rig.run(staleOperation)).toMatchObject({ findings: [], checked: report.checked });
    const withDumps = await rig.run(staleOperation, { ...atOnce, include_dumps: true });
    expect(withDumps.findings).toHaveLength(report.findings.length + 1);

    // Whoever did anything since is left alone.
    slow.client.connection.stream.resume();
    await slow.outcome;
    const slowAction = report.findings.find(({ evidence }) => evidence['pid'] === slow.pid)?.action;
    await rig.execute(slowAction?.sql ?? []);
    expect(await slow.client.query('SELECT 1 AS one')).toMatchObject({ rows: [{ one: 1 }] });

    for (const { action } of report.findings) await rig.execute(action?.sql ?? []);
    expect(await long.outcome).toBe('57014');
    // Their locks are gone with them.
    for (const { client } of [dump, ours]) await client.query('COMMIT');
    expect(await waiter.outcome).toBe('done');
    expect(await build.outcome).toBe('done');
    await expect.poll(async () => (await rig.run(staleOperation, atOnce)).findings).toEqual([]);
  });

  it('ends a client that takes no rows', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    const rows = `SELECT repeat('x', 10000) FROM generate_series(1, 2000)`;
    await atStatement(rig, 'slow', rows, 'ClientWrite');
    const report = await rig.run(staleOperation, atOnce);
    expect(report.findings).toMatchObject([{ evidence: { kind: 'client_slow' } }]);
    await rig.execute(report.findings[0]?.action?.sql ?? []);
    await expect.poll(async () => (await rig.run(staleOperation, atOnce)).findings).toEqual([]);
  });

  it('finds a session that holds dead rows back before its time is up', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    const { pid } = await inTransaction(rig, 'import', 'SELECT 1');
    for (let transaction = 0; transaction < 3; transaction += 1) await rig.sql('SELECT pg_current_xact_id()');
    const report = await rig.run(staleOperation, { xmin_age_transactions: 1 });
    expect(report.findings).toMatchObject([
      { object: { name: `pid ${pid}` }, evidence: { kind: 'xmin_holder' }, action: { class: 'never_retry' } },
    ]);
    await rig.execute(report.findings[0]?.action?.sql ?? []);
    await expect.poll(async () => (await rig.run(staleOperation, { xmin_age_transactions: 1 })).findings).toEqual([]);
  });

  it('knows what it may see and whom it may end', async () => {
    const adminUrl = inject('targetUrls')[major];
    const [owner, monitor, signaller] = await Promise.all([
      createRole(adminUrl),
      createRole(adminUrl, 'IN ROLE pg_monitor'),
      createRole(adminUrl, 'IN ROLE pg_monitor, pg_signal_backend'),
    ]);
    const blind = `we"ird; -- ${randomBytes(4).toString('hex')}`;
    const quoted = `"${blind.replaceAll('"', '""')}"`;
    await using rig = await openCheckRig(await createDatabase(adminUrl));
    await rig.sql(`CREATE ROLE ${quoted} LOGIN PASSWORD 'postgres'`);
    for (const { name } of [owner, monitor, signaller]) await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
    const theirs = await inTransaction(rig, 'app', 'SELECT 1', owner.name);
    const superusers = await inTransaction(rig, 'admin', 'SELECT 1');

    const grant = `GRANT pg_read_all_stats TO ${quoted}`;
    const unseen = await rig.run(staleOperation, atOnce, { as: blind });
    expect(unseen).toMatchObject({ checked: 0, findings: [] });
    for (const { pid } of [theirs, superusers]) {
      expect(unseen.unknown).toContainEqual({ object: `pid ${pid}`, reason: 'state_hidden', grant });
    }
    await rig.sql(`DROP ROLE ${quoted}`);

    const refusals = async (as: string) =>
      Object.fromEntries(
        (await rig.run(staleOperation, atOnce, { as })).findings.map(({ action, evidence }) => [
          evidence['application'],
          action === null ? (evidence['grant'] ?? evidence['no_action_because']) : 'may end it',
        ]),
      );
    const never = "only a superuser may end a superuser's session";
    expect(await refusals(monitor.name)).toEqual({ app: `GRANT pg_signal_backend TO ${monitor.name}`, admin: never });
    expect(await refusals(signaller.name)).toEqual({ app: 'may end it', admin: never });
    expect(await refusals(owner.name)).toEqual({ app: 'may end it' });
  });
});

describe.each([14, 18] as const)('stale_operation on PostgreSQL %i of its own', (major) => {
  it('names prepared transactions, slots and standbys that hold dead rows back, and proposes nothing', async () => {
    const server = await startPostgres(major, { flags: ['max_prepared_transactions=2', 'wal_level=logical'] });
    onTestFinished(() => server.stop());
    const feedback = ['hot_standby_feedback=on', 'wal_receiver_status_interval=1'];
    const replica = await startReplicaOf(server, { name: 'reports', flags: feedback });
    onTestFinished(() => replica.stop());
    await using rig = await openCheckRig(await createDatabase(server.url));
    await rig.sql(`CREATE TABLE public.t (n int); INSERT INTO public.t VALUES (1)`);
    await rig.sql(`SELECT pg_create_logical_replication_slot('cdc', 'test_decoding')`);
    await rig.sql(`BEGIN; UPDATE public.t SET n = 2; PREPARE TRANSACTION 'it''s; --'`);
    for (let transaction = 0; transaction < 5; transaction += 1) await rig.sql('SELECT pg_current_xact_id()');
    const waiter = await atStatement(rig, 'waiter', 'UPDATE public.t SET n = 3', 'transactionid');
    await expect.poll(() => rig.sql('SELECT FROM pg_stat_replication WHERE backend_xmin IS NOT NULL')).toHaveLength(1);

    const old = { prepared_transaction_seconds: 0, xmin_age_transactions: 0 };
    const report = await rig.run(staleOperation, old);
    const byFingerprint = Object.fromEntries(report.findings.map((finding) => [finding.fingerprint, finding]));
    expect(byFingerprint).toMatchObject({
      "prepared transaction it's; --": {
        severity: 'critical',
        evidence: { kind: 'prepared_transaction', blocks: 1, statement: "ROLLBACK PREPARED 'it''s; --'" },
        action: null,
      },
      'slot cdc': {
        evidence: { catalogue_only: true, statement: "SELECT pg_catalog.pg_drop_replication_slot('cdc')" },
        action: null,
      },
    });
    expect(await rig.run(staleOperation)).toMatchObject({ findings: [], checked: report.checked });

    await rig.execute([
      String(byFingerprint["prepared transaction it's; --"]?.evidence['statement']),
      String(byFingerprint['slot cdc']?.evidence['statement']),
    ]);
    expect(await waiter.outcome).toBe('done');

    await using standby = await openCheckRig({
      url: rig.url.replace(/:\d+\//, `:${replica.port}/`),
      drop: async () => undefined,
    });
    const query = await inTransaction(standby, 'long query', 'SELECT FROM public.t');
    for (let transaction = 0; transaction < 5; transaction += 1) await rig.sql('SELECT pg_current_xact_id()');
    await expect
      .poll(async () => (await rig.run(staleOperation, { xmin_age_transactions: 2 })).findings)
      .toMatchObject([{ fingerprint: 'standby reports', object: { kind: 'standby' }, action: null }]);
    // On the standby itself the query is a session like any other.
    const there = await standby.run(staleOperation, atOnce);
    expect(there.findings).toMatchObject([{ object: { name: `pid ${query.pid}` } }]);
    await standby.execute(there.findings[0]?.action?.sql ?? []);
    await expect.poll(async () => (await rig.run(staleOperation, { xmin_age_transactions: 2 })).findings).toEqual([]);
  });
});
