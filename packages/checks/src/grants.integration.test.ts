import { type FoundFinding, type GrantMajor, targetGrants, type UnknownObject } from '@slacktide/domain';
import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors } from '../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../test/check-rig.ts';
import { checks } from './registry.ts';

/** A database with something of everything, and a role with exactly what `lines` give it. */
async function setup(
  major: GrantMajor,
): Promise<{ rig: CheckRig; role: string; grants: ReturnType<typeof targetGrants> }> {
  const database = await createDatabase(inject('targetUrls')[major]);
  const role = `${database.name} we"ird'; --\\`;
  const owner = `${database.name}_owner`;
  const admin = new pg.Client({ connectionString: inject('targetUrls')[major] });
  onTestFinished(async () => {
    await admin.connect();
    await admin.query(`DROP ROLE IF EXISTS ${pg.escapeIdentifier(role)}, ${owner}`);
    await admin.end();
  });
  const rig = await openCheckRig(database);
  const grants = targetGrants({ major, role, database: database.name });
  await rig.execute(grants.observe.map(({ statement }) => statement));
  await rig.sql(`
    ALTER ROLE ${pg.escapeIdentifier(role)} PASSWORD 'postgres'; CREATE ROLE ${owner}; CREATE SCHEMA app AUTHORIZATION ${owner};
    SET ROLE ${owner}; CREATE TABLE app.parents (id int PRIMARY KEY, name text);
    CREATE TABLE app.children (id int PRIMARY KEY, parent_id int REFERENCES app.parents, note text);
    CREATE INDEX children_note ON app.children (note); CREATE VIEW app.seen AS SELECT * FROM app.parents;
    CREATE MATERIALIZED VIEW app.kept AS SELECT * FROM app.parents;
    CREATE TABLE app.parts (at date) PARTITION BY RANGE (at); CREATE TABLE app.parts_1 PARTITION OF app.parts DEFAULT;
    INSERT INTO app.parents SELECT g, g::text FROM generate_series(1, 5000) g; INSERT INTO app.children SELECT g, g, g::text FROM generate_series(1, 5000) g;
    RESET ROLE; ANALYZE app.parents, app.children`);
  return { rig, role, grants };
}

/** How what is left unknown shows, by what `remaining` says of it. */
const signs: Readonly<Record<string, (unknown: UnknownObject) => boolean>> = {
  pg_authid: ({ object }) => object === 'pg_authid',
  pg_stats: ({ grant }) => grant?.startsWith('GRANT SELECT ON TABLE ') === true,
  'free space': ({ object }) => object === 'free space',
  'data checksums': ({ reason }) => reason === 'checksums_off',
  'relation files': ({ reason }) => reason.includes('pg_ls_dir'),
  shared_preload_libraries: ({ reason, grant }) => `${reason} ${grant}`.includes('shared_preload_libraries'),
};

/** Nothing to compare with yet, which no right would change. */
const lacksHistory = /no earlier|first (?:look|run)|history|observed|samples?\b|not enough|^only \d+ .* needed$/i;

describe.each(majors)('grants on PostgreSQL %i', (major) => {
  it('let every check look, and leave unknown only what they say', async () => {
    const { rig: opened, role, grants } = await setup(major);
    await using rig = opened;
    const known = grants.remaining.flatMap(({ what }) => signs[what] ?? []);
    for (const check of checks) {
      const report = await rig.run(check, {}, { as: role, mayName: namedIn });
      const unexplained = report.unknown.filter(
        (unknown) => !lacksHistory.test(unknown.reason) && !known.some((shows) => shows(unknown)),
      );
      expect.soft(unexplained, check.type.name).toEqual([]);
    }
  });

  it('let it act on what ordinary roles own', async () => {
    const { rig: opened, role, grants } = await setup(major);
    await using rig = opened;
    await rig.execute(grants.act.map(({ statement }) => statement));
    // A second time nothing is left to do, and nothing fails.
    await rig.execute(grants.act.map(({ statement }) => statement));
    const client = await rig.connect({ as: role });
    const notices: (string | undefined)[] = [];
    client.on('notice', ({ message }) => notices.push(message));
    for (const statement of [
      'VACUUM (ANALYZE) app.children',
      'REINDEX INDEX CONCURRENTLY app.children_note',
      'REFRESH MATERIALIZED VIEW app.kept',
      'DROP INDEX CONCURRENTLY app.children_note',
      'CREATE INDEX CONCURRENTLY children_note ON app.children (note)',
      ...(major >= 15 ? ['CHECKPOINT'] : []),
    ]) {
      await client.query(statement);
    }
    expect(notices).toEqual([]);
    const { rows } = await client.query(
      `SELECT rolsuper, pg_has_role('postgres', 'MEMBER') AS becomes, pg_has_role('pg_signal_backend', 'USAGE') AS signals FROM pg_roles WHERE rolname = current_user`,
    );
    expect(rows).toEqual([{ rolsuper: false, becomes: false, signals: true }]);
  });
});

/** What proposals may name is for the tests of each check to say. */
function namedIn({ action }: FoundFinding): string[] {
  const statements = [...(action?.sql ?? []), ...(action?.rollbackSql ?? [])];
  return statements.flatMap((statement) => statement.match(/\w+\.\w+/g) ?? []);
}
