import { randomBytes } from 'node:crypto';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { staleAdvisoryLock } from './index.ts';

/** As soon as a session is idle, it has been so for too long. */
const atOnce = { stale_after_seconds: 0 };

async function pidOf(client: Awaited<ReturnType<CheckRig['connect']>>): Promise<number> {
  return (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
}

const stateOf = (rig: CheckRig, pid: number) => async () =>
  (await rig.sql('SELECT state, wait_event_type FROM pg_stat_activity WHERE pid = $1', [pid]))[0];

describe.each(majors)('stale_advisory_lock on PostgreSQL %i', (major) => {
  it('finds idle holders with their keys and waiters, and no holder at work, waiter, or other database', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    const idle = await rig.connect({ applicationName: 'we"ird; --' });
    await idle.query('SELECT pg_advisory_lock(42), pg_advisory_lock(42), pg_advisory_lock_shared(42)');
    await idle.query('SELECT pg_advisory_lock(-7), pg_advisory_lock(4294967298), pg_advisory_lock_shared(7, -8)');
    const inTransaction = await rig.connect({ applicationName: 'import' });
    await inTransaction.query('BEGIN');
    await inTransaction.query('SELECT pg_advisory_xact_lock(1, 2)');
    const ours = await rig.connect({ applicationName: 'slacktide/task/1' });
    await ours.query('SELECT pg_advisory_lock(43)');
    const atWork = await rig.connect({ applicationName: 'at work' });
    const workPid = await pidOf(atWork);
    const working = expect(atWork.query('SELECT pg_advisory_lock(44), pg_sleep(600)')).rejects.toThrow('cancel');
    const waiter = await rig.connect({ applicationName: 'waiter' });
    const waiterPid = await pidOf(waiter);
    const waiting = waiter.query('SELECT pg_advisory_lock(42)');
    await expect.poll(stateOf(rig, workPid)).toEqual({ state: 'active', wait_event_type: 'Timeout' });
    await expect.poll(stateOf(rig, waiterPid)).toEqual({ state: 'active', wait_event_type: 'Lock' });
    await using elsewhere = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await (await elsewhere.connect()).query('SELECT pg_advisory_lock(45)');

    const idlePid = await pidOf(idle);
    const importPid = await pidOf(inTransaction);
    const report = await rig.run(staleAdvisoryLock, atOnce);
    const found = report.findings.map(({ object, severity, evidence }) => ({
      name: object.name,
      severity,
      scope: evidence['lock_scope'],
      waiters: evidence['waiters'],
      modes: evidence['modes'],
    }));
    const session = { severity: 'warning', scope: 'session', waiters: 0, modes: ['ExclusiveLock'] };
    expect(found.toSorted((a, b) => a.name.localeCompare(b.name))).toEqual(
      [
        { ...session, name: `pid ${idlePid}, advisory lock -7` },
        { ...session, name: `pid ${idlePid}, advisory lock 4294967298` },
        { ...session, name: `pid ${idlePid}, advisory lock 7,-8`, modes: ['ShareLock'] },
        {
          ...session,
          name: `pid ${idlePid}, advisory lock 42`,
          severity: 'critical',
          waiters: 1,
          modes: ['ExclusiveLock', 'ShareLock'],
        },
        { ...session, name: `pid ${importPid}, advisory lock 1,2`, scope: 'session or transaction' },
      ].toSorted((a, b) => a.name.localeCompare(b.name)),
    );
    // Five idle ones, and the one at work.
    expect(report).toMatchObject({
      checked: 6,
      unknown: [],
      skipped: [{ reason: 'ignored_application' }],
      figures: { held: 7, waiting: 1 },
    });
    expect(await rig.run(staleAdvisoryLock)).toMatchObject({ checked: 6, findings: [] });

    const later = await rig.run(
      staleAdvisoryLock,
      { ...atOnce, ignore_keys: ['42'] },
      { now: new Date(Date.now() + 60_000) },
    );
    expect(later.skipped).toContainEqual({ object: `pid ${idlePid}, advisory lock 42`, reason: 'ignored_key' });
    for (const { fingerprint, evidence } of later.findings) {
      const earlier = report.findings.find((finding) => finding.fingerprint === fingerprint);
      expect(evidence['first_seen_at']).toBe(earlier?.evidence['first_seen_at']);
    }

    // What did anything since is left alone.
    const [import1] = report.findings.filter(({ object }) => object.name.startsWith(`pid ${importPid},`));
    await inTransaction.query('SELECT 1');
    await rig.execute(import1?.action?.sql ?? []);
    expect(await stateOf(rig, importPid)()).toMatchObject({ state: 'idle in transaction' });

    const [, ...others] = report.findings.filter(({ object }) => object.name.startsWith(`pid ${idlePid},`));
    const [import2] = (await rig.run(staleAdvisoryLock, atOnce)).findings.filter(({ object }) =>
      object.name.startsWith(`pid ${importPid},`),
    );
    for (const { action } of [import2, ...others].flatMap((finding) => finding ?? [])) {
      expect(action).toMatchObject({ class: 'never_retry', lockMode: null, rollbackSql: [] });
      await rig.execute(action?.sql ?? []);
    }
    await waiting;
    await expect.poll(stateOf(rig, importPid)).toBeUndefined();
    const after = await rig.run(staleAdvisoryLock, atOnce);
    expect(after.findings.map(({ object }) => object.name)).toEqual([`pid ${waiterPid}, advisory lock 42`]);

    await rig.sql('SELECT pg_cancel_backend($1)', [workPid]);
    await working;
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
    onTestFinished(() => dropRole(adminUrl, quoted));
    for (const { name } of [owner, monitor, signaller]) await rig.sql(`ALTER ROLE ${name} PASSWORD 'postgres'`);
    const session = await rig.connect({ as: owner.name });
    await session.query('SELECT pg_advisory_lock(1)');
    await (await rig.connect()).query('SELECT pg_advisory_lock(2)');
    await (await rig.connect({ applicationName: 'slacktide/x' })).query('SELECT pg_advisory_lock(3)');

    const names = [1, 2].map((key) => expect.stringMatching(new RegExp(`advisory lock ${key}$`)));
    expect(await rig.run(staleAdvisoryLock, atOnce, { as: blind })).toMatchObject({
      checked: 0,
      findings: [],
      skipped: [{ reason: 'ignored_application' }],
      unknown: names.map((object) => ({
        object,
        reason: 'state_hidden',
        grant: `GRANT pg_read_all_stats TO ${quoted}`,
      })),
    });
    const refusals = async (as: string) =>
      (await rig.run(staleAdvisoryLock, atOnce, { as })).findings.map(({ action, evidence }) =>
        action === null ? (evidence['grant'] ?? evidence['no_action_because']) : 'may end it',
      );
    const superusers = "only a superuser may end a superuser's session";
    expect(await refusals(monitor.name)).toEqual([`GRANT pg_signal_backend TO ${monitor.name}`, superusers]);
    expect(await refusals(signaller.name)).toEqual(['may end it', superusers]);
    // Sees its own sessions alone.
    expect(await refusals(owner.name)).toEqual(['may end it']);

    const [finding] = (await rig.run(staleAdvisoryLock, atOnce, { as: signaller.name })).findings;
    const acting = await rig.connect({ as: signaller.name });
    const { rows } = await acting.query(finding?.action?.sql[0] ?? '');
    expect(rows).toEqual([{ pg_terminate_backend: true }]);
    await expect
      .poll(async () => (await rig.run(staleAdvisoryLock, atOnce)).findings.map(({ evidence }) => evidence['keys']))
      .toEqual([['2']]);
  });
});

describe.each([14, 18] as const)('stale_advisory_lock on PostgreSQL %i with prepared transactions', (major) => {
  it('finds what a forgotten one holds, and whom it makes wait', async () => {
    const server = await startPostgres(major, { flags: ['max_prepared_transactions=2'] });
    onTestFinished(() => server.stop());
    await using rig = await openCheckRig(await createDatabase(server.url));
    await rig.sql(`BEGIN; SELECT pg_advisory_xact_lock(5, 6); PREPARE TRANSACTION 'it''s; --'`);
    const waiter = await rig.connect();
    const pid = await pidOf(waiter);
    const waiting = waiter.query('SELECT pg_advisory_lock(5, 6)');
    await expect.poll(stateOf(rig, pid)).toMatchObject({ wait_event_type: 'Lock' });
    const report = await rig.run(staleAdvisoryLock, atOnce);
    expect(report).toMatchObject({
      checked: 1,
      findings: [
        {
          severity: 'critical',
          object: { kind: 'prepared_transaction', name: "prepared transaction it's; --, advisory lock 5,6" },
          evidence: { waiters: 1, statement: "ROLLBACK PREPARED 'it''s; --'", lock_scope: 'transaction' },
          action: null,
        },
      ],
    });
    expect(await rig.run(staleAdvisoryLock)).toMatchObject({ checked: 1, findings: [] });
    await rig.execute([String(report.findings[0]?.evidence['statement'])]);
    await waiting;
    await waiter.query('SELECT pg_advisory_unlock_all()');
    expect(await rig.run(staleAdvisoryLock, atOnce)).toMatchObject({ checked: 0, findings: [], unknown: [] });
  });
});

async function dropRole(url: string, quoted: string): Promise<void> {
  await using rig = await openCheckRig(await createDatabase(url));
  await rig.sql(`DROP ROLE ${quoted}`);
}
