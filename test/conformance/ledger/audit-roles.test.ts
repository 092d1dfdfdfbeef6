import { randomBytes } from 'node:crypto';
import { authenticate, cancelJob, createApiKey, sealAudit, verifyAudit } from '@slacktide/application';
import { connectLedger, migrateLedger } from '@slacktide/ledger';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { freshLedger, lookInto } from '../../support/ledger.ts';
import { sampleContext, sampleJob, sampleTarget } from '../../support/ledger-data.ts';
import { createDatabase } from '../../support/postgres.ts';
import { asApps, createRole } from '../../support/role.ts';

const dayMs = 86_400_000;

const forbidden = [
  `UPDATE audit_events SET actor = 'a'`,
  'DELETE FROM audit_events',
  'TRUNCATE audit_events',
  `UPDATE audit_seals SET hash = ''`,
  'DELETE FROM audit_seals',
  'TRUNCATE audit_seals',
  'DELETE FROM audit_sealing',
  'ALTER TABLE audit_events DISABLE TRIGGER ALL',
  'DROP TABLE audit_seals',
  'DROP TRIGGER audit_events_only_grow ON audit_events',
  'CREATE OR REPLACE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$',
  'CREATE TABLE mine (id int)',
  `CREATE FUNCTION format(text, text) RETURNS text LANGUAGE sql AS 'SELECT $1'`,
  'DELETE FROM ledger_migrations',
  `SET session_replication_role = replica`,
];

/** A ledger as the apps see it, and as a superuser does. */
async function appsSetup() {
  const databaseUrl = await freshLedger();
  const appUrl = await asApps(databaseUrl);
  const connection = connectLedger({ databaseUrl: appUrl, applicationName: 'test', maxConnections: 4 });
  onTestFinished(connection.close);
  return { ...connection, sql: lookInto(databaseUrl), asApp: lookInto(appUrl) };
}

describe('the role of the apps', () => {
  it('may read and write every table, but only add to the audit log, only read the migrations and delete no template', async () => {
    const { asApp } = await appsSetup();
    const rows = await asApp<{ name: string; may: string }[]>`
      SELECT relname AS name, (
        SELECT string_agg(privilege, ' ' ORDER BY position) FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'])
          WITH ORDINALITY AS privileges (privilege, position) WHERE has_table_privilege(pg_class.oid, privilege)
      ) AS may
      FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`;
    const may = Object.fromEntries(rows.map(({ name, may }) => [name, may]));
    const { audit_events, audit_seals, audit_sealing, custom_templates, ledger_migrations, ...rest } = may;
    expect({ audit_events, audit_seals, audit_sealing, custom_templates, ledger_migrations }).toEqual({
      audit_events: 'SELECT INSERT',
      audit_seals: 'SELECT INSERT',
      audit_sealing: 'SELECT UPDATE',
      custom_templates: 'SELECT INSERT UPDATE',
      ledger_migrations: 'SELECT',
    });
    expect(new Set(Object.values(rest))).toEqual(new Set(['SELECT INSERT UPDATE DELETE']));
    expect(Object.keys(rest)).toEqual(
      expect.arrayContaining(['jobs', 'tasks', 'steps', 'schedules', 'targets', 'outbox']),
    );
  });

  it('may change nothing of the audit log, of the schema, or of what guards them', async () => {
    const { asApp } = await appsSetup();
    for (const statement of forbidden) {
      await expect(asApp.unsafe(statement), statement).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('keeps history in days without owning a table', async () => {
    const { history, ledger, sql, asApp } = await appsSetup();
    const old = new Date(Math.floor(Date.now() / dayMs) * dayMs - 3 * dayMs);
    await history.ensurePartitions(2);
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.targets.insert(sampleTarget());
      await tx.jobs.insert(sampleJob({ scheduledFor: old }));
      return { result: null, audit: [{ action: 'job.create', entity: 'job', entityId: 'a' }] };
    });
    expect(await history.prune(24)).toEqual({ droppedDays: [] });
    await expect(asApp`SELECT drop_history_day(${old}::date)`).rejects.toThrow('a job that is not over');
    await asApp`UPDATE jobs SET state = 'SKIPPED', reason = 'missed', finished_at = now()`;
    expect(await history.prune(24)).toEqual({ droppedDays: [old.toISOString().slice(0, 10)] });
    expect(await sql`SELECT task_count FROM daily_figures`).toHaveLength(2);
    const [owners] =
      await sql`SELECT count(DISTINCT relowner)::int AS owners FROM pg_class WHERE relnamespace = 'public'::regnamespace`;
    expect(owners).toEqual({ owners: 1 });
  });

  it('runs a task, cancels a job, makes and uses a key, seals and verifies', async () => {
    const { ledger, executions, apiKeys, auditChain, health } = await appsSetup();
    const [job, other] = [sampleJob({ scheduledFor: new Date() }), sampleJob({ scheduledFor: new Date() })];
    await ledger.transaction(sampleContext(), async (tx) => {
      await tx.targets.insert(sampleTarget());
      for (const each of [job, other]) await tx.jobs.insert(each);
      await tx.outbox.add({ kind: 'flow.add', jobId: job.id, generation: 1 });
      return { result: null, audit: [{ action: 'job.create', entity: 'job', entityId: job.id }] };
    });
    const claim = await executions.claim({
      taskId: job.tasks[0]?.id ?? '',
      generation: 1,
      workerId: 'w1',
      access: 'act',
      leaseLifeMs: 60_000,
      workerNow: new Date(),
    });
    if (claim.kind !== 'claimed') throw new Error(`expected a claim, got ${claim.kind}`);
    expect(await executions.finish(claim.claimed, { kind: 'succeeded', result: {} }, [])).toBe(true);
    await cancelJob({ ledger }, sampleContext(), { id: other.id });
    const deps = { ledger, apiKeys, randomBytes: (count: number) => randomBytes(count), now: () => new Date() };
    const { key } = await createApiKey(deps, sampleContext(), {
      name: 'k',
      scopes: ['maintenance:read'],
      expiresAt: null,
    });
    expect(await authenticate(deps, key)).toMatchObject({ actor: { name: 'k' } });
    await health.putSignal({ module: 'm', status: 'HEALTHY', message: '', lifeSeconds: 5 });
    expect(await sealAudit({ auditChain }, 1_000)).toBeGreaterThan(3);
    expect(await verifyAudit({ auditChain, auditPublicKey: undefined }, {})).toMatchObject({
      intact: true,
      unsealed: 0,
    });
  });
});

describe.each([14, 18] as const)('migrating PostgreSQL %i as an owner who is no superuser', (major) => {
  it('says what is left for a superuser, and grants once that is done', async () => {
    const adminUrl = inject('targetUrls')[major];
    const owner = await createRole(adminUrl);
    const apps = await createRole(adminUrl);
    const { url, name, drop } = await createDatabase(adminUrl);
    onTestFinished(drop);
    const admin = new pg.Client({ connectionString: adminUrl });
    await admin.connect();
    onTestFinished(() => admin.end());
    await admin.query(`ALTER DATABASE ${name} OWNER TO ${owner.name}`);
    const sql = lookInto(url);
    // What an administrator does for PostgreSQL 14, where the schema belongs to the superuser.
    await sql.unsafe(`GRANT ALL ON SCHEMA public TO ${owner.name}`);

    const migrate = async (appRole: string) => {
      const left: string[] = [];
      await migrateLedger(owner.urlOf(url), { appRole, onLeftToDo: (text) => void left.push(text) });
      return left;
    };
    expect(await migrate('no_such_role')).toEqual([
      `the apps have no role of their own yet, and ${owner.name} may make none: CREATE ROLE "no_such_role" NOLOGIN; then migrate again`,
    ]);
    const open =
      major === 14
        ? [`anybody may create objects in the ledger's schema: REVOKE CREATE ON SCHEMA public FROM PUBLIC`]
        : [];
    expect(await migrate(apps.name)).toEqual(open);
    expect(await migrate(owner.name)).toEqual([`${owner.name} owns the ledger: the apps need a role of their own`]);
    if (major === 14) await sql`REVOKE CREATE ON SCHEMA public FROM PUBLIC`;
    expect(await migrate(apps.name)).toEqual([]);

    const login = await createRole(adminUrl, `IN ROLE ${apps.name}`);
    const { history, close } = connectLedger({
      databaseUrl: login.urlOf(url),
      applicationName: 'test',
      maxConnections: 1,
    });
    onTestFinished(close);
    await history.ensurePartitions(0);
    await expect(lookInto(login.urlOf(url)).unsafe('DELETE FROM audit_events')).rejects.toMatchObject({
      code: '42501',
    });
  });
});
