import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { CheckReport, FoundFinding } from '@slacktide/domain';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { security } from './index.ts';

type Major = (typeof majors)[number];

/** Roles belong to the whole server, which other tests share: ours begin with the name of the database, and go with it. */
async function setup(
  major: Major,
): Promise<{ rig: CheckRig; role: (name: string) => string; quoted: (name: string) => string }> {
  const database = await createDatabase(inject('targetUrls')[major]);
  const role = (name: string): string => `${database.name}_${name}`;
  const admin = new pg.Client({ connectionString: inject('targetUrls')[major] });
  onTestFinished(async () => {
    await admin.connect();
    const { rows } = await admin.query<{ name: string }>(
      `SELECT quote_ident(rolname) AS name FROM pg_roles WHERE starts_with(rolname, $1)`,
      [database.name],
    );
    for (const { name } of rows) await admin.query(`DROP ROLE ${name}`);
    await admin.end();
  });
  return { rig: await openCheckRig(database), role, quoted: (name) => pg.escapeIdentifier(role(name)) };
}

const of = (report: CheckReport, ...kinds: string[]): FoundFinding[] =>
  report.findings.filter(({ object }) => kinds.includes(object.kind));
const found = (findings: readonly FoundFinding[], fingerprint: string): FoundFinding | undefined =>
  findings.find((finding) => finding.fingerprint === fingerprint);

describe.each(majors)('security on PostgreSQL %i', (major) => {
  it('finds logins by what they reach, through whatever memberships count', async () => {
    const { rig: opened, role, quoted } = await setup(major);
    await using rig = opened;
    const r = quoted;
    const options = (text: string): string => (major >= 16 ? ` WITH ${text}` : '');
    await rig.sql(`
      CREATE ROLE ${r('root')} LOGIN SUPERUSER BYPASSRLS CREATEROLE REPLICATION; CREATE ROLE ${r('resting_root')} SUPERUSER;
      CREATE ROLE ${r('byer')} LOGIN BYPASSRLS; CREATE ROLE ${r('maker')} LOGIN CREATEROLE; CREATE ROLE ${r('copier')} LOGIN REPLICATION;
      CREATE ROLE ${r('plain')} LOGIN; CREATE ROLE ${r('group')}; CREATE ROLE ${r('wider')}; CREATE ROLE ${r('we"ird; --')} LOGIN;
      GRANT pg_execute_server_program TO ${r('wider')}; GRANT ${r('wider')} TO ${r('group')}; GRANT ${r('group')} TO ${r('we"ird; --')};
      CREATE ROLE ${r('heir')} LOGIN; GRANT ${r('resting_root')} TO ${r('heir')};
      CREATE ROLE ${r('inherits_only')} LOGIN; GRANT ${r('resting_root')} TO ${r('inherits_only')}${options('SET FALSE, INHERIT TRUE')};
      CREATE ROLE ${r('neither')} LOGIN; GRANT pg_read_server_files TO ${r('neither')}${options('SET FALSE, INHERIT FALSE')};
      CREATE ROLE ${r('granter')} LOGIN; GRANT pg_write_server_files TO ${r('granter')} WITH ADMIN OPTION;
      CREATE ROLE ${r('expired')} LOGIN PASSWORD 'x' VALID UNTIL '2001-01-01'; CREATE ROLE ${r('expires')} LOGIN PASSWORD 'x' VALID UNTIL '2201-01-01';
      CREATE ROLE ${r('forever')} LOGIN PASSWORD 'x' VALID UNTIL 'infinity'; CREATE ROLE ${r('sleeping')} PASSWORD 'x';
      SET password_encryption = 'md5'; CREATE ROLE ${r('weak')} LOGIN PASSWORD 'secret' VALID UNTIL '2201-01-01'; RESET password_encryption;
      ALTER ROLE ${r('plain')} SET password_encryption = 'md5'`);
    const report = await rig.run(security);
    const mine = report.findings.filter(({ fingerprint }) => fingerprint.startsWith(`role:${role('')}`));
    const seen = mine.map(({ fingerprint, severity }) => `${fingerprint.replace(`role:${role('')}`, '')} ${severity}`);
    const expected = [
      'root:superuser warning',
      'byer:bypassrls warning',
      // Since 16 CREATEROLE reaches no further than the roles it made.
      `maker:createrole ${major >= 16 ? 'info' : 'warning'}`,
      'copier:replication info',
      'we"ird; --:pg_execute_server_program warning',
      'heir:superuser warning',
      'granter:pg_write_server_files warning',
      'expired:password_expired info',
      'forever:password_never_expires info',
      'weak:md5_password warning',
      // Options of grants came with 16: until then every member may SET ROLE.
      ...(major >= 16 ? [] : ['inherits_only:superuser warning', 'neither:pg_read_server_files warning']),
    ];
    expect(seen.toSorted()).toEqual(expected.toSorted());
    expect(found(mine, `role:${role('we"ird; --')}:pg_execute_server_program`)).toMatchObject({
      evidence: { member_of: [role('group'), role('wider'), 'pg_execute_server_program'], own_attribute: false },
      action: null,
    });
    expect(found(of(report, 'role'), 'role:postgres:superuser')).toBeUndefined();
    expect(of(report, 'role').filter(({ object }) => object.name.startsWith('pg_'))).toEqual([]);
    expect(report.findings.map(({ fingerprint }) => fingerprint)).toContain(
      `setting:password_encryption:role ${role('plain')}`,
    );
    expect(JSON.stringify(report)).not.toMatch(/md5[0-9a-f]{32}|SCRAM-SHA-256\$/);

    const { findings, skipped } = await rig.run(security, {
      ignore_roles: [role('root')],
      require_password_expiry: false,
    });
    expect(findings.map(({ fingerprint }) => fingerprint)).not.toContain(`role:${role('root')}:superuser`);
    expect(findings.map(({ fingerprint }) => fingerprint)).not.toContain(
      `role:${role('forever')}:password_never_expires`,
    );
    expect(skipped).toContainEqual({ object: role('root'), reason: 'named in ignore_roles' });
  });

  it('finds schemas that anybody may create in, and closes them', async () => {
    const { rig: opened, quoted } = await setup(major);
    await using rig = opened;
    await rig.sql(`
      CREATE ROLE ${quoted('other')}; CREATE SCHEMA "we""ird; --"; GRANT CREATE ON SCHEMA "we""ird; --" TO PUBLIC;
      CREATE SCHEMA named; GRANT CREATE ON SCHEMA named TO ${quoted('other')}; CREATE SCHEMA usable; GRANT USAGE ON SCHEMA usable TO PUBLIC;
      CREATE SCHEMA delegated; GRANT CREATE ON SCHEMA delegated TO ${quoted('other')} WITH GRANT OPTION;
      SET ROLE ${quoted('other')}; GRANT CREATE ON SCHEMA delegated TO PUBLIC`);
    const findings = of(await rig.run(security), 'schema');
    expect(findings.map(({ fingerprint }) => fingerprint)).toEqual([
      'schema:delegated:public_create',
      // Databases made since 15 begin with a closed one.
      ...(major < 15 ? ['schema:public:public_create'] : []),
      'schema:we"ird; --:public_create',
    ]);
    const [delegated, ...others] = findings;
    expect(delegated).toMatchObject({ action: null, evidence: { no_action_because: expect.any(String) } });
    const acls = (): Promise<unknown> => rig.sql('SELECT nspname, nspacl::text FROM pg_namespace ORDER BY 1');
    const before = await acls();
    await rig.execute(others.flatMap(({ action }) => action?.sql ?? []));
    expect(of(await rig.run(security), 'schema')).toHaveLength(1);
    await rig.execute(others.flatMap(({ action }) => action?.rollbackSql ?? []));
    expect(of(await rig.run(security), 'schema')).toHaveLength(findings.length);
    expect(await acls()).toEqual(before);
  });

  it('judges SECURITY DEFINER routines by where their names resolve', async () => {
    const { rig: opened, quoted } = await setup(major);
    await using rig = opened;
    const routine = (name: string, rest: string): string =>
      `CREATE FUNCTION ${name}() RETURNS int LANGUAGE sql SECURITY DEFINER ${rest} AS 'SELECT 1';`;
    await rig.sql(`
      CREATE ROLE ${quoted('ordinary')}; CREATE ROLE ${quoted('deputy')} IN ROLE ${quoted('ordinary')}; CREATE ROLE ${quoted('other')};
      CREATE SCHEMA app; CREATE SCHEMA open; GRANT CREATE ON SCHEMA open TO PUBLIC; CREATE SCHEMA theirs AUTHORIZATION ${quoted('other')};
      CREATE SCHEMA own AUTHORIZATION ${quoted('ordinary')}; GRANT CREATE ON SCHEMA own TO ${quoted('deputy')};
      REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE SCHEMA "we""ird; --";
      CREATE FUNCTION app.invoker() RETURNS int LANGUAGE sql AS 'SELECT 1';
      ${routine('app.bare', '')} ${routine('app.empty', `SET search_path = ''`)} ${routine('app.catalog', 'SET search_path = pg_catalog')}
      ${routine('app.fixed', 'SET search_path = pg_catalog, app, pg_temp')} ${routine('app.temp_first', 'SET search_path = pg_temp, app')}
      ${routine('app.temp_implied', 'SET search_path = app')} ${routine('app.by_user', 'SET search_path = "$user", public')}
      ${routine('app.in_open', 'SET search_path = open, pg_temp')} ${routine('app.in_theirs', 'SET search_path = app, theirs, pg_temp')}
      ${routine('app.one_word', `SET search_path = 'app, open'`)} ${routine('open.bare', '')}
      ${routine('app.ordinary', '')} ALTER FUNCTION app.ordinary OWNER TO ${quoted('ordinary')};
      ${routine('own.deputised', 'SET search_path = own, pg_temp')} ALTER FUNCTION own.deputised OWNER TO ${quoted('ordinary')};
      ${routine('app.closed', '')} REVOKE EXECUTE ON FUNCTION app.closed FROM PUBLIC;
      ${routine('app.for_one', '')} REVOKE EXECUTE ON FUNCTION app.for_one FROM PUBLIC; GRANT EXECUTE ON FUNCTION app.for_one TO ${quoted('other')};
      CREATE FUNCTION app.bound() RETURNS int LANGUAGE sql SECURITY DEFINER BEGIN ATOMIC SELECT 1; END;
      CREATE FUNCTION app.fires() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NEW; END';
      REVOKE EXECUTE ON FUNCTION app.fires FROM PUBLIC; CREATE TABLE app.t (n int);
      CREATE TRIGGER t BEFORE INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.fires();
      CREATE PROCEDURE "we""ird; --"."do; it"(INOUT a int, b text[] DEFAULT NULL) LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
      CREATE FUNCTION "we""ird; --"."do; it"(a app.t) RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = "$user", app AS 'SELECT 1'`);
    const report = await rig.run(security);
    const findings = of(report, 'function', 'procedure');
    const seen = findings.map(({ fingerprint, severity, evidence, action }) =>
      [
        fingerprint.replace(':search_path', ''),
        severity,
        evidence['risks'],
        action === null ? 'no action' : action.sql[0]?.replace(/^.* SET/, 'SET'),
      ]
        .flat()
        .join(' '),
    );
    expect(seen).toEqual([
      "function:app.bare() warning no_search_path SET search_path = 'app', 'public', 'pg_temp'",
      "function:app.bound() info no_search_path SET search_path = 'app', 'public', 'pg_temp'",
      "function:app.by_user() warning user_schema temporary_objects_implied SET search_path = 'public', 'pg_temp'",
      "function:app.fires() warning no_search_path SET search_path = 'app', 'public', 'pg_temp'",
      "function:app.for_one() info no_search_path SET search_path = 'app', 'public', 'pg_temp'",
      'function:app.in_open() warning creatable_schema no action',
      'function:app.in_theirs() warning creatable_schema no action',
      "function:app.one_word() info temporary_objects_implied SET search_path = 'app, open', 'pg_temp'",
      "function:app.ordinary() info no_search_path SET search_path = 'app', 'public', 'pg_temp'",
      "function:app.temp_first() warning temporary_objects_first SET search_path = 'app', 'pg_temp'",
      "function:app.temp_implied() info temporary_objects_implied SET search_path = 'app', 'pg_temp'",
      'function:open.bare() warning no_search_path no action',
      `function:"we""ird; --".do; it(app.t) warning user_schema temporary_objects_implied SET search_path = 'app', 'pg_temp'`,
      `procedure:"we""ird; --".do; it(integer, text[]) warning no_search_path SET search_path = 'we"ird; --', 'public', 'pg_temp'`,
    ]);
    expect(report.skipped.map(({ object }) => object)).toContain('app.closed');
    const definitions = (): Promise<unknown> =>
      rig.sql(
        `SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proconfig FROM pg_proc p WHERE prosecdef ORDER BY 1`,
      );
    const before = await definitions();
    await rig.execute(findings.flatMap(({ action }) => action?.sql ?? []));
    expect(
      of(await rig.run(security), 'function', 'procedure').map(({ object }) => `${object.schema}.${object.name}`),
    ).toEqual(['app.in_open', 'app.in_theirs', 'open.bare']);
    await rig.execute(findings.flatMap(({ action }) => action?.rollbackSql ?? []));
    expect(await definitions()).toEqual(before);
  });

  it('sees where row level security does not hold', async () => {
    const { rig: opened, role, quoted } = await setup(major);
    await using rig = opened;
    const table = (name: string): string =>
      `CREATE TABLE app.${name} (id int, owner text); ALTER TABLE app.${name} ENABLE ROW LEVEL SECURITY;`;
    await rig.sql(`
      CREATE ROLE ${quoted('owner')}; CREATE ROLE ${quoted('service')}; CREATE ROLE ${quoted('reader')}; CREATE SCHEMA app; CREATE SCHEMA "q""s";
      CREATE TABLE app.off (id int); CREATE POLICY p ON app.off USING (id = 1);
      ${table('empty')} ${table('mine')} CREATE POLICY own ON app.mine USING (owner = current_user);
      ${table('readable')} CREATE POLICY read_all ON app.readable FOR SELECT USING (true);
      ${table('open')} CREATE POLICY "we""ird; --" ON app.open USING (true);
      ${table('inserts')} CREATE POLICY i ON app.inserts FOR INSERT WITH CHECK (1 = 1 OR id > 3);
      ${table('gives')} CREATE POLICY g ON app.gives FOR UPDATE USING (owner = current_user) WITH CHECK (true);
      ${table('narrowed')} CREATE POLICY w ON app.narrowed USING (true); CREATE POLICY n ON app.narrowed AS RESTRICTIVE USING (owner = current_user);
      ${table('half')} CREATE POLICY w ON app.half USING (true); CREATE POLICY n ON app.half AS RESTRICTIVE FOR DELETE USING (owner = current_user);
      ${table('unmoved')} CREATE POLICY w ON app.unmoved USING (true); CREATE POLICY n ON app.unmoved AS RESTRICTIVE USING (true);
      ${table('unchecked')} CREATE POLICY i ON app.unchecked FOR INSERT; CREATE POLICY a ON app.unchecked;
      ${table('served')} CREATE POLICY s ON app.served TO ${quoted('service')} USING (true);
      CREATE TABLE app.parts (id int) PARTITION BY RANGE (id); CREATE TABLE app.parts_1 PARTITION OF app.parts FOR VALUES FROM (0) TO (9);
      ALTER TABLE app.parts ENABLE ROW LEVEL SECURITY; ALTER TABLE app.parts_1 ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON app.parts USING (id = 1);
      ${table('forced')} ALTER TABLE app.forced FORCE ROW LEVEL SECURITY, OWNER TO ${quoted('owner')}; CREATE POLICY p ON app.forced USING (id = 1);
      ${table('owned')} ALTER TABLE app.owned OWNER TO ${quoted('owner')}; CREATE POLICY p ON app.owned USING (id = 1);
      CREATE TABLE app.without (id int); GRANT USAGE ON SCHEMA app TO ${quoted('owner')};
      CREATE VIEW app.past AS SELECT * FROM app.mine; GRANT SELECT ON app.past TO ${quoted('reader')};
      CREATE VIEW app.unread AS SELECT * FROM app.mine; CREATE VIEW app.plain AS SELECT * FROM app.without;
      CREATE VIEW "q""s"."v; --" AS SELECT m.id FROM app.without w JOIN app.owned m USING (id); ALTER VIEW "q""s"."v; --" OWNER TO ${quoted('owner')};
      GRANT SELECT ON "q""s"."v; --" TO PUBLIC;
      CREATE VIEW app.held AS SELECT * FROM app.forced; ALTER VIEW app.held OWNER TO ${quoted('owner')}; GRANT SELECT ON app.held TO PUBLIC;
      CREATE VIEW app.stranger AS SELECT * FROM app.mine; ALTER VIEW app.stranger OWNER TO ${quoted('service')}; GRANT SELECT ON app.stranger TO PUBLIC;
      CREATE VIEW app.outer AS SELECT * FROM app.past; GRANT SELECT ON app.outer TO PUBLIC;
      CREATE MATERIALIZED VIEW app.kept AS SELECT * FROM app.outer; GRANT SELECT ON app.kept TO PUBLIC`);
    if (major >= 15) {
      await rig.sql(`CREATE VIEW app.asks WITH (security_invoker = on) AS SELECT * FROM app.mine; GRANT SELECT ON app.asks TO PUBLIC;
        CREATE VIEW app.over AS SELECT * FROM app.asks; GRANT SELECT ON app.over TO PUBLIC`);
    }
    const report = await rig.run(security);
    const seen = of(report, 'table', 'policy', 'view').map(({ fingerprint, severity }) => `${fingerprint} ${severity}`);
    expect(seen.toSorted()).toEqual([
      'policy:app.gives.g:always_true warning',
      'policy:app.half.w:always_true warning',
      'policy:app.inserts.i:always_true warning',
      'policy:app.open."we""ird; --":always_true warning',
      'policy:app.served.s:always_true info',
      'policy:app.unmoved.w:always_true warning',
      'table:app.empty:rls_without_policy info',
      'table:app.off:rls_disabled warning',
      'view:"q""s".v; --:bypasses_rls warning',
      'view:app.kept:bypasses_rls info',
      'view:app.past:bypasses_rls warning',
      'view:app.unread:bypasses_rls info',
    ]);
    const evidence = (fingerprint: string) => found(report.findings, fingerprint)?.evidence;
    expect(evidence('policy:app.half.w:always_true')).toMatchObject({ commands: ['insert', 'update'] });
    expect(evidence('policy:app.gives.g:always_true')).toMatchObject({ commands: ['update'], with_check: 'true' });
    expect(evidence('view:app.past:bypasses_rls')).toMatchObject({ tables: ['app.mine'], readers: [role('reader')] });

    const holder = await rig.connect();
    await holder.query('BEGIN; LOCK app.open IN ACCESS EXCLUSIVE MODE');
    const meanwhile = await rig.run(security);
    expect(meanwhile.unknown).toContainEqual({ object: 'app.open', reason: 'locked', grant: null });
    expect(meanwhile.unjudged).toEqual(['app.we"ird; --']);
    await holder.query('ROLLBACK');
    await rig.sql(`CREATE EXTENSION pg_stat_statements; CREATE FUNCTION public.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
      ALTER EXTENSION pg_stat_statements ADD FUNCTION public.f(); ALTER EXTENSION pg_stat_statements ADD TABLE app.empty`);
    const left = await rig.run(security, { ignore_schemas: ['app'] });
    expect(of(left, 'table', 'policy', 'view', 'function').map(({ object }) => object.name)).toEqual(['v; --']);
    expect(found((await rig.run(security)).findings, 'table:app.empty:rls_without_policy')).toBeUndefined();
  });

  it('says what a role with pg_monitor, or with nothing, cannot know, and finds the rest', async () => {
    const { rig: opened, role, quoted } = await setup(major);
    await using rig = opened;
    await rig.sql(`CREATE ROLE ${quoted('looks')} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor; CREATE ROLE ${quoted('bare')} LOGIN PASSWORD 'postgres';
      CREATE ROLE ${quoted('root')} LOGIN SUPERUSER PASSWORD 'x'; CREATE SCHEMA hidden; CREATE TABLE hidden.t (n int);
      ALTER TABLE hidden.t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON hidden.t USING (true);
      CREATE FUNCTION hidden.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; CREATE VIEW hidden.v AS SELECT * FROM hidden.t`);
    await rig.run(security);
    for (const name of ['looks', 'bare']) {
      const report = await rig.run(security, {}, { as: role(name) });
      const grants = `GRANT SELECT ON pg_catalog.pg_hba_file_rules TO ${role(name)}; GRANT EXECUTE ON FUNCTION pg_catalog.pg_hba_file_rules() TO ${role(name)}`;
      expect(report.unknown).toEqual([
        { object: 'pg_authid', reason: expect.stringContaining('superuser'), grant: null },
        { object: 'pg_hba_file_rules', reason: 'pg_hba_file_rules may not be read', grant: grants },
      ]);
      expect(report.findings.map(({ fingerprint }) => fingerprint)).toEqual(
        expect.arrayContaining([
          `role:${role('root')}:superuser`,
          'policy:hidden.t.p:always_true',
          'function:hidden.f():search_path',
          'view:hidden.v:bypasses_rls',
        ]),
      );
      // What a run with more rights found of passwords stays open.
      expect(report.unjudged).toContain(role('root'));
      expect(found(report.findings, `role:${role('root')}:password_never_expires`)).toBeUndefined();
      await rig.execute(grants.split('; '));
      const granted = await rig.run(security, {}, { as: role(name) });
      expect(granted.unknown.map(({ object }) => object)).toEqual(['pg_authid']);
    }
  });
});

// One server of before, and one of since rules have numbers.
describe.each([14, 18] as const)('pg_hba.conf on PostgreSQL %i', (major) => {
  it('is judged rule by rule, the first match first', async () => {
    const server = await startPostgres(major, { flags: ['password_encryption=md5'] });
    onTestFinished(() => server.stop());
    const rig = await openCheckRig({ url: server.url, drop: async () => undefined });
    onTestFinished(() => rig[Symbol.asyncDispose]());
    const file = join(server.dataDir, 'pg_hba.conf');
    const original = await readFile(file, 'utf8');
    const clean = await rig.run(security);
    expect(of(clean, 'hba_rule')).toEqual([]);
    expect(clean.figures).toMatchObject({ hba_rules_checked: 6 });
    expect(found(clean.findings, 'setting:password_encryption')).toMatchObject({ severity: 'warning' });
    const rules = `
      local all all trust
      host all all 127.0.0.0/8 trust
      host all all ::1/128 trust
      host all all 10.1.2.3/32 trust
      hostssl all all 10.0.0.0/8 trust clientcert=verify-full
      host all all 172.16.0.0/12 reject
      host all all 172.16.1.0/24 password
      host shop "we""ird; --" 192.168.0.0/16 password
      host replication all 0.0.0.0/0 scram-sha-256
      hostssl all all 0.0.0.0/0 scram-sha-256
      host all all 192.168.1.0/24 trust
      host all all ::/0 scram-sha-256
      host all all all trust
      host all +staff all reject`;
    await writeFile(file, rules);
    const report = await rig.run(security);
    const seen = of(report, 'hba_rule').map(
      ({ object, severity, evidence }) => `${object.name} = ${severity} ${String(evidence['risks'])}`,
    );
    expect(seen).toEqual([
      'host all all 10.1.2.3 255.255.255.255 trust = critical trust,without_tls',
      `host shop we"ird; -- 192.168.0.0 255.255.0.0 password = warning cleartext_password,without_tls`,
      'host replication all 0.0.0.0 0.0.0.0 scram-sha-256 = warning replication_from_anywhere,without_tls',
      'host all all 192.168.1.0 255.255.255.0 trust = critical trust,without_tls',
      'host all all :: :: scram-sha-256 = warning open_to_all,without_tls',
      'host all all all trust = critical trust,open_to_all,without_tls',
    ]);
    // The file is not broken by rules that cannot match while ssl is off.
    expect(
      report.skipped
        .map(({ reason }) => reason)
        .filter((reason) => reason.startsWith('never reached'))
        .toSorted(),
    ).toEqual([
      'never reached, line 11: hostssl record cannot match because SSL is disabled',
      'never reached, line 15: earlier rules match first',
      'never reached, line 6: hostssl record cannot match because SSL is disabled',
      'never reached, line 8: earlier rules match first',
    ]);
    await writeFile(file, `${original}\nhost all all nonsense/99 trust\n`);
    expect(of(await rig.run(security), 'hba_rule')).toMatchObject([
      { fingerprint: 'hba_file:errors', severity: 'critical', evidence: { errors: [{ error: expect.any(String) }] } },
    ]);
  });
});
