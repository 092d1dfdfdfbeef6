import type { TargetReader } from '@slacktide/application/ports';
import { createPostgresGateway } from '@slacktide/targets';
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest';
import { type DebianPostgres, debianPostgres } from '../../../../../test/support/debian-postgres.ts';
import { createDatabase, startPostgres, type TestPostgres } from '../../../../../test/support/postgres.ts';
import { openRig, type TargetRig } from '../../../test/target-rig.ts';
import { findHypopg, withHypotheticalIndex } from './hypothetical.ts';
import { suggest } from './suggestions.ts';

const gateway = createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } });
const outsider = 'hypopg_outsider';
const byCustomer = 'SELECT count(*) FROM orders WHERE customer_id = $1';
const hypothetical = 'CREATE INDEX ON public.orders (customer_id)';

/** As many rows of each customer as a B-tree serves well, and so few values of `region` that none is worth reading. */
const fixture = `
CREATE SCHEMA "ext""ensions";
CREATE EXTENSION hypopg SCHEMA "ext""ensions";
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, region int, "no""te" text);
INSERT INTO orders SELECT n, n % 5000, n % 3, 'n' FROM generate_series(1, 50000) n;
CREATE TABLE parts (id int, customer_id int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (25000);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (25000) TO (60000);
INSERT INTO parts SELECT n, n % 5000 FROM generate_series(1, 50000) n;
ANALYZE`;

describe('index suggestions on a real hypopg', () => {
  let debian: DebianPostgres;
  let server: TestPostgres | undefined;
  // A package may have to be installed, and others may be at it.
  beforeAll(async () => {
    debian = await debianPostgres('hypopg');
    if (debian.kind === 'found') server = await startPostgres(debian.major, { installation: debian.installation });
  }, 400_000);
  afterAll(() => server?.stop());

  async function setup(context: TestContext): Promise<{ rig: TargetRig; url: string } & AsyncDisposable> {
    if (server === undefined) return context.skip(debian.kind === 'missing' ? debian.reason : 'it did not start');
    const database = await createDatabase(server.url);
    const rig = await openRig(database);
    await rig.sql(fixture);
    return { rig, url: database.url, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]() };
  }

  /** In one session that only reads, as care looks. */
  const reading = <T>(url: string, use: (reader: TargetReader) => Promise<T>, role = 'postgres'): Promise<T> => {
    const connection = new URL(url);
    connection.password = '';
    connection.username = role;
    const address = { kind: 'postgres', connection: connection.href, secretRef: 'env:TARGET_PASSWORD' } as const;
    return gateway.read(address, { applicationName: 'slacktide/test/1' }, use);
  };
  const suggestFor = (reader: TargetReader, ...queries: readonly string[]) =>
    suggest(
      reader,
      queries.map((query, at) => ({ id: `s${at}`, query, calls: 10, totalMs: 5_000 - at })),
    );
  const left = (reader: TargetReader) => reader.query('SELECT indexname FROM "ext""ensions".hypopg()');
  const indexes = (rig: TargetRig) => rig.sql('SELECT indexrelid FROM pg_index ORDER BY 1');

  it('proves what helps, by the cost before and after, and makes no index', async (context) => {
    await using database = await setup(context);
    const before = await indexes(database.rig);
    await reading(database.url, async (reader) => {
      const [first, ...others] = await suggestFor(
        reader,
        byCustomer,
        'SELECT id FROM orders WHERE customer_id = $1 AND region > $2',
        'SELECT "no""te" FROM orders WHERE id = $1',
      );
      expect(others).toEqual([]);
      expect(first?.value).toMatchObject({
        columns: ['customer_id', 'region'],
        sql: 'CREATE INDEX CONCURRENTLY ON public.orders (customer_id, region)',
        proof: { kind: 'proven', by: 'hypopg', statements: 2 },
      });
      const { cost_before: was, cost_after: would } = Object(first?.value['proof']);
      expect(would).toBeLessThan(was / 10);
      expect(await left(reader)).toEqual([]);
    });
    expect(await indexes(database.rig)).toEqual(before);

    // The planner keeps its word: the index that is there costs what the hypothetical one would have.
    await database.rig.sql('CREATE INDEX ON orders (customer_id)');
    await reading(database.url, async (reader) => expect(await suggestFor(reader, byCustomer)).toEqual([]));
  });

  it('promises what the real index then costs', async (context) => {
    await using database = await setup(context);
    const promised = await reading(database.url, async (reader) => {
      const [suggestion] = await suggestFor(reader, byCustomer);
      return Number(Object(suggestion?.value['proof'])['cost_after']);
    });
    await database.rig.sql('CREATE INDEX ON orders (customer_id)');
    const client = await database.rig.connect();
    await client.query('SET plan_cache_mode = force_generic_plan');
    await client.query(`PREPARE asked AS ${byCustomer}`);
    const { rows } = await client.query('EXPLAIN (FORMAT JSON) EXECUTE asked(NULL)');
    const real = Number(rows[0]['QUERY PLAN'][0].Plan['Total Cost']);
    expect(promised / real).toBeGreaterThan(0.8);
    expect(promised / real).toBeLessThan(1.25);
  });

  it('offers none that the planner would not use', async (context) => {
    await using database = await setup(context);
    await reading(database.url, async (reader) => {
      // Compared as another type than it has: what the statement looks like does not tell.
      expect(await suggestFor(reader, 'SELECT count(*) FROM orders WHERE customer_id = $1::numeric')).toEqual([]);
      expect(await left(reader)).toEqual([]);
      const [both] = await suggestFor(reader, byCustomer, 'SELECT id FROM orders WHERE customer_id = $1::numeric');
      expect(both?.value['proof']).toMatchObject({ kind: 'proven', statements: 1 });
    });
  });

  it('proves an index of a partitioned table, and says that one statement does not build it', async (context) => {
    await using database = await setup(context);
    await reading(database.url, async (reader) => {
      const found = await suggestFor(reader, 'SELECT count(*) FROM parts WHERE customer_id = $1');
      expect(found.map(({ value }) => value)).toMatchObject([
        { table: 'parts', partitioned: true, sql: null, proof: { kind: 'proven' } },
      ]);
    });
  });

  it('leaves no hypothetical index behind, however its use ends', async (context) => {
    await using database = await setup(context);
    await reading(database.url, async (reader) => {
      const hypopg = await findHypopg(reader);
      if (hypopg.kind === 'unusable') throw new Error(hypopg.reason);
      const during = await withHypotheticalIndex(reader, hypopg.schema, hypothetical, () => left(reader));
      expect(during).toHaveLength(1);
      expect(await left(reader)).toEqual([]);

      const failing = withHypotheticalIndex(reader, hypopg.schema, hypothetical, async () => {
        expect(await left(reader)).toHaveLength(1);
        await reader.query('EXPLAIN SELECT no_such_column FROM public.orders WHERE customer_id = 1');
      });
      await expect(failing).rejects.toMatchObject({ sqlState: '42703' });
      expect(await left(reader)).toEqual([]);
      // What comes after is planned and run without it.
      expect(await reader.query('SELECT count(*)::int AS n FROM public.orders WHERE customer_id = 7')).toEqual([
        { n: 10 },
      ]);

      const nonsense = withHypotheticalIndex(
        reader,
        hypopg.schema,
        'CREATE INDEX ON public.nowhere (n)',
        async () => 1,
      );
      await expect(nonsense).rejects.toMatchObject({ sqlState: '42P01' });
      expect(await left(reader)).toEqual([]);
    });
  });

  it('is not misled by a setting that has hypopg ignore its indexes', async (context) => {
    await using database = await setup(context);
    await database.rig.sql(
      `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET hypopg.enabled = off', current_database()); END $$`,
    );
    await reading(database.url, async (reader) => {
      const [found] = await suggestFor(reader, byCustomer);
      expect(found?.value['proof']).toMatchObject({ kind: 'proven' });
    });
  });

  it('says `unproven`, and what to grant, where our role has no rights', async (context) => {
    await using database = await setup(context);
    const { rig, url } = database;
    await rig.sql(`CREATE ROLE ${outsider} LOGIN PASSWORD 'postgres'`);
    try {
      const proofOf = () =>
        reading(
          url,
          async (reader) => {
            const [found] = await suggestFor(reader, byCustomer);
            return Object(found?.value['proof']);
          },
          outsider,
        );
      const schemaGrant = `GRANT USAGE ON SCHEMA "ext""ensions" TO ${outsider}`;
      expect(await proofOf()).toEqual({ kind: 'unproven', reason: 'our role may not use hypopg', grant: schemaGrant });
      await rig.sql(schemaGrant);
      // Whoever may not read a table may not have it planned.
      const [reason, grant] = ['the statements cannot be planned: not_plannable 42501', null];
      expect(await proofOf()).toEqual({ kind: 'unproven', reason, grant });
      await rig.sql(`GRANT SELECT ON orders TO ${outsider}`);
      expect(await proofOf()).toMatchObject({ kind: 'proven' });

      await rig.sql('REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA "ext""ensions" FROM PUBLIC');
      const shut = await proofOf();
      expect(shut).toMatchObject({ kind: 'unproven', reason: 'our role may not use hypopg' });
      await rig.sql(shut.grant);
      expect(await proofOf()).toMatchObject({ kind: 'proven' });
    } finally {
      await rig.sql(`DROP OWNED BY ${outsider}; DROP ROLE ${outsider}`);
    }
  });

  it('says `unproven` where the library fails', async (context) => {
    await using database = await setup(context);
    await database.rig.sql(`CREATE OR REPLACE FUNCTION "ext""ensions".hypopg_create_index(sql_order text, OUT indexrelid oid, OUT indexname text)
      RETURNS SETOF record LANGUAGE plpgsql STRICT AS $$ BEGIN RAISE undefined_file; END $$`);
    await reading(database.url, async (reader) => {
      const [found] = await suggestFor(reader, byCustomer);
      expect(found?.value['proof']).toEqual({ kind: 'unproven', reason: 'hypopg failed: 58P01', grant: null });
    });
  });
});
