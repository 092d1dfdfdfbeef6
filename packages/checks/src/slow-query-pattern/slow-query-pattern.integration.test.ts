import pg from 'pg';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, startPostgres } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { slowQueryPattern } from './index.ts';

const [app, monitor, nobody] = [`slow "app"; --`, 'slow_query_monitor', 'slow_query_nobody'];
const slow = { min_mean_ms: 10 };
const queriesOf = ({ findings }: Awaited<ReturnType<CheckRig['run']>>, role?: string) =>
  findings
    .filter(({ evidence }) => role === undefined || evidence['role'] === role)
    .map(({ evidence }) => evidence['query'])
    .sort();

/** Three executions of each: by the application, except where it says otherwise. */
const found = [
  'SELECT pg_sleep($1), $2 AS note',
  '(SELECT pg_sleep($1))',
  'WITH w AS (SELECT pg_sleep($1)) SELECT * FROM w',
  `PREPARE nap AS SELECT pg_sleep($1) FROM "we're"."we""ird; --"`,
].sort();

describe.each(majors)('slow_query_pattern on PostgreSQL %i', (major) => {
  it('finds the slow statements of this database, with constants left out, and says what is hidden', async () => {
    const serverUrl = inject('targetUrls')[major];
    await using rig = await openCheckRig(await createDatabase(serverUrl));
    const missing = await rig.run(slowQueryPattern, slow);
    expect(missing).toMatchObject({
      checked: 0,
      unjudged: 'all',
      unknown: [{ grant: 'CREATE EXTENSION pg_stat_statements' }],
    });
    const [names] = await rig.sql<{ app: string }>('SELECT quote_ident($1) AS app', [app]);
    await rig.execute([
      'CREATE SCHEMA "ext""ensions"',
      'CREATE EXTENSION pg_stat_statements SCHEMA "ext""ensions"',
      `CREATE SCHEMA "we're"`,
      `CREATE TABLE "we're"."we""ird; --" AS SELECT 1 AS n`,
      `CREATE ROLE ${names?.app} LOGIN PASSWORD 'postgres'`,
      `CREATE ROLE ${monitor} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor`,
      `CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`,
      `GRANT USAGE ON SCHEMA "we're", "ext""ensions" TO PUBLIC`,
      `GRANT SELECT ON ALL TABLES IN SCHEMA "we're" TO PUBLIC`,
    ]);
    try {
      await sleepOften(rig, serverUrl);
      const report = await rig.run(slowQueryPattern, slow);
      expect(queriesOf(report)).toEqual(found);
      expect(report.unknown).toEqual([]);
      expect(report.findings[0]).toMatchObject({
        severity: 'info',
        object: { kind: 'statement', schema: null },
        evidence: { reasons: ['slow'], role: app, calls: 3, top_level: true, no_action_because: expect.any(String) },
        action: null,
      });
      // The default is 100 ms.
      expect((await rig.run(slowQueryPattern)).findings).toEqual([]);
      expect(queriesOf(await rig.run(slowQueryPattern, slow, { as: monitor }), app)).toEqual(found);

      const blind = await rig.run(slowQueryPattern, slow, { as: nobody });
      expect(queriesOf(blind, app)).toEqual([]);
      expect(blind.unjudged).toEqual(expect.arrayContaining(report.findings.map(({ object }) => object.name)));
      const [{ reason, grant } = { reason: '', grant: '' }] = blind.unknown;
      expect(reason).toMatch(/^\d+ statements of other roles are hidden/);
      await rig.sql(grant ?? '');
      expect(queriesOf(await rig.run(slowQueryPattern, slow, { as: nobody }), app)).toEqual(found);

      await rig.sql(`REVOKE USAGE ON SCHEMA "ext""ensions" FROM PUBLIC`);
      const shut = await rig.run(slowQueryPattern, slow, { as: monitor });
      expect(shut.unknown).toMatchObject([{ grant: `GRANT USAGE ON SCHEMA "ext""ensions" TO ${monitor}` }]);

      // Only what belongs to this database: others use the server too.
      const forget = `SELECT "ext""ensions".pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)`;
      await rig.sql(forget);
      expect((await rig.run(slowQueryPattern, slow)).findings).toEqual([]);

      // As pg_upgrade leaves it: without levels, and without the time of the reset.
      await rig.execute(['DROP EXTENSION pg_stat_statements', `CREATE EXTENSION pg_stat_statements VERSION '1.8'`]);
      expect((await rig.run(slowQueryPattern, slow)).unknown).toMatchObject([
        { reason: 'no earlier look to compare with' },
      ]);
      expect(await rig.run(slowQueryPattern, slow)).toMatchObject({ findings: [], unknown: [] });
    } finally {
      await rig.sql(
        `DROP OWNED BY ${names?.app}, ${monitor}, ${nobody}; DROP ROLE ${names?.app}, ${monitor}, ${nobody}`,
      );
    }
  });
});

it('says how to load pg_stat_statements where it is not', async () => {
  const server = await startPostgres(18, { flags: ['shared_preload_libraries='] });
  onTestFinished(() => server.stop());
  await using rig = await openCheckRig(await createDatabase(server.url));
  const reason = expect.stringContaining('shared_preload_libraries');
  const absent = await rig.run(slowQueryPattern);
  expect(absent).toMatchObject({
    unjudged: 'all',
    unknown: [{ reason, grant: 'CREATE EXTENSION pg_stat_statements' }],
  });
  await rig.sql('CREATE EXTENSION pg_stat_statements');
  expect(await rig.run(slowQueryPattern)).toMatchObject({ findings: [], unknown: [{ reason, grant: null }] });
});

async function sleepOften(rig: CheckRig, serverUrl: string): Promise<void> {
  const [session, ours] = [await rig.connect({ as: app }), await rig.connect()];
  const elsewhere = new pg.Client({ connectionString: serverUrl });
  await elsewhere.connect();
  await session.query(`PREPARE nap AS SELECT pg_sleep(0.015) FROM "we're"."we""ird; --"`);
  for (let time = 0; time < 3; time += 1) {
    await session.query(`SELECT pg_sleep(0.015), 'secret ${time}' AS note`);
    await session.query(`/* report */ (SELECT pg_sleep(0.015))`);
    await session.query('WITH w AS (SELECT pg_sleep(0.015)) SELECT * FROM w');
    await session.query('EXECUTE nap');
    // Utility statements, and what our own role reads of catalogues.
    await session.query('DO $$ BEGIN PERFORM pg_sleep(0.015); END $$');
    await ours.query('SELECT pg_sleep(0.015) FROM pg_catalog.pg_class LIMIT 1');
    await elsewhere.query(`SELECT pg_sleep(0.015), 'of another database' AS elsewhere`);
  }
  await elsewhere.end();
}
