import type { CheckReport } from '@slacktide/domain';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { schemaDrift } from './index.ts';

const fixture = `
  CREATE SCHEMA "we""ird; --"; CREATE SCHEMA app; CREATE EXTENSION pgstattuple;
  CREATE TYPE app.mood AS ENUM ('sad', 'ok'); CREATE DOMAIN app.positive AS int DEFAULT 1 NOT NULL CHECK (VALUE > 0);
  CREATE TYPE app.pair AS (a int, b text); CREATE TYPE app.span AS RANGE (subtype = numeric);
  CREATE TABLE app.customers (id bigint PRIMARY KEY, mood app.mood, name text COLLATE "C" NOT NULL);
  CREATE TABLE app.orders (id serial PRIMARY KEY, customer_id bigint REFERENCES app.customers, total numeric(10,2) DEFAULT 0 CHECK (total >= 0),
    doubled numeric GENERATED ALWAYS AS (total * 2) STORED, note varchar(20), no int GENERATED ALWAYS AS IDENTITY);
  CREATE INDEX ON app.orders (customer_id); CREATE INDEX named ON app.orders (lower(note)) WHERE total > 1;
  CREATE TABLE app.events (at date NOT NULL, n int) PARTITION BY RANGE (at); CREATE INDEX ON app.events (n);
  CREATE TABLE app.events_1 PARTITION OF app.events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
  CREATE TABLE "we""ird; --"."t'; --" ("c""; --" int); CREATE TABLE "we""ird; --"."__proto__" (n int);
  CREATE VIEW app.rich AS SELECT c.id, c.name, sum(o.total) AS total FROM app.customers c JOIN app.orders o ON o.customer_id = c.id GROUP BY 1, 2;
  CREATE MATERIALIZED VIEW app.kept AS SELECT id FROM app.orders; CREATE INDEX ON app.kept (id);
  CREATE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b';
  CREATE FUNCTION app.add(a text) RETURNS text LANGUAGE sql AS 'SELECT a'; CREATE FUNCTION app.bound() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM app.orders; END;
  CREATE PROCEDURE app.work(INOUT n int) LANGUAGE plpgsql AS 'BEGIN n := 1; END'; CREATE AGGREGATE app.total(int) (sfunc = int4pl, stype = int, initcond = '0');
  CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
  CREATE TRIGGER touch BEFORE UPDATE ON app.orders FOR EACH ROW WHEN (old.total > 0) EXECUTE FUNCTION app.touch();
  CREATE SEQUENCE app.numbers INCREMENT 2; CREATE POLICY own ON app.orders USING (customer_id > 3);`;

/** What is no drift: work of caretakers, what policy makes, what the server names, and what only looks different. */
const noise = `
  INSERT INTO app.customers VALUES (1, 'ok', 'a'); INSERT INTO app.orders (customer_id, total) VALUES (1, 5); SELECT nextval('app.numbers');
  REINDEX TABLE app.orders; ANALYZE; ALTER TABLE app.orders SET (fillfactor = 80, autovacuum_enabled = off); REFRESH MATERIALIZED VIEW app.kept;
  CREATE TABLE app.events_2 PARTITION OF app.events FOR VALUES FROM ('2026-02-01') TO ('2026-03-01'); DROP TABLE app.events_1;
  ALTER TABLE app.orders DROP CONSTRAINT orders_total_check, ADD CONSTRAINT orders_check1 CHECK (total >= 0) NOT VALID;
  ALTER TABLE app.orders RENAME CONSTRAINT orders_customer_id_fkey TO orders_customer_id_fkey1; ALTER INDEX app.orders_customer_id_idx RENAME TO orders_customer_id_idx2;
  DROP TABLE "we""ird; --"."t'; --"; CREATE TABLE "we""ird; --"."t'; --" ("c""; --" int);
  CREATE EXTENSION pg_stat_statements; CREATE TEMPORARY TABLE passing (n int);
  CREATE INDEX named_ccnew ON app.orders (note); UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.named_ccnew'::regclass;
  ALTER TABLE app.customers DROP COLUMN mood; ALTER TABLE app.customers ADD COLUMN mood app.mood`;

const told = ({ findings }: CheckReport): string[] =>
  findings
    .map(
      ({ fingerprint, evidence, severity }) =>
        `${severity} ${String(evidence['class'])} ${String(evidence['change'])} ${fingerprint}`,
    )
    .toSorted();

/** Changes with what each is found to be; all are made at once. */
const changes: readonly (readonly [sql: string, ...found: string[]])[] = [
  ['CREATE TABLE app.fresh (id serial PRIMARY KEY, n int UNIQUE)', 'info additive added table:app.fresh'],
  ['CREATE SCHEMA extra CREATE TABLE t (n int) CREATE VIEW v AS SELECT 1 AS one', 'info additive added schema:extra'],
  [
    'ALTER TABLE app.orders ADD COLUMN extra text, ALTER note TYPE varchar(10)',
    'warning breaking changed table:app.orders',
    // The rewrite made the leftover valid: its name alone proves nothing.
    'info additive added index:app.named_ccnew',
  ],
  [`ALTER TABLE "we""ird; --"."t'; --" ADD COLUMN more int`, `info additive changed table:"we""ird; --".t'; --`],
  [
    'ALTER TABLE "we""ird; --"."__proto__" ALTER n SET DEFAULT 3',
    'warning changed changed table:"we""ird; --".__proto__',
  ],
  [
    'ALTER TABLE app.orders DROP CONSTRAINT orders_check1',
    'warning changed removed constraint:app.orders.orders_total_check',
  ],
  [
    'ALTER TABLE app.customers ADD CONSTRAINT named_by_hand CHECK (id > 0)',
    'warning changed added constraint:app.customers.named_by_hand',
  ],
  ['DROP INDEX app.named; CREATE INDEX named ON app.orders (note)', 'warning changed changed index:app.named'],
  ['DROP INDEX app.kept_id_idx', 'warning changed removed index:app.kept_id_idx'],
  ['CREATE UNIQUE INDEX single ON app.customers (name)', 'warning changed added index:app.single'],
  ['ALTER TABLE app.orders DISABLE TRIGGER touch', 'warning changed changed trigger:app.orders.touch'],
  ['ALTER POLICY own ON app.orders USING (true)', 'warning changed changed policy:app.orders.own'],
  [`ALTER TYPE app.mood ADD VALUE 'good' BEFORE 'ok'`, 'info additive changed type:app.mood'],
  ['ALTER DOMAIN app.positive DROP NOT NULL', 'warning breaking changed type:app.positive'],
  ['ALTER TYPE app.pair DROP ATTRIBUTE b', 'warning breaking changed type:app.pair'],
  ['ALTER SEQUENCE app.numbers INCREMENT 3', 'warning changed changed sequence:app.numbers'],
  [
    'CREATE OR REPLACE VIEW app.rich AS SELECT c.id, c.name, max(o.total) AS total FROM app.customers c JOIN app.orders o ON o.customer_id = c.id GROUP BY 1, 2',
    'warning changed changed view:app.rich',
  ],
  [
    `CREATE OR REPLACE FUNCTION app.add(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a - b'`,
    'warning changed changed function:app.add(integer, integer)',
  ],
  ['DROP FUNCTION app.add(text)', 'warning breaking removed function:app.add(text)'],
  ['DROP AGGREGATE app.total(int)', 'warning breaking removed aggregate:app.total(integer)'],
  ['ALTER PROCEDURE app.work(int) SECURITY DEFINER', 'warning changed changed procedure:app.work(integer)'],
];

async function baselineOf(major: (typeof majors)[number]): Promise<CheckRig> {
  const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(fixture);
  const first = await rig.run(schemaDrift);
  expect(first).toMatchObject({ findings: [], unknown: [], unjudged: [], figures: { baseline: 'taken' } });
  expect(first.checked).toBeGreaterThan(30);
  return rig;
}

describe.each(majors)('schema_drift on PostgreSQL %i', (major) => {
  it('sees what became of the schema, and goes on until it is accepted', async () => {
    await using rig = await baselineOf(major);
    await rig.sql(noise);
    const quiet = await rig.run(schemaDrift);
    expect(told(quiet)).toEqual([]);
    expect(quiet).toMatchObject({ unknown: [], unjudged: [], figures: { baseline: 'kept' } });

    await rig.sql(changes.map(([sql]) => sql).join('; '));
    const report = await rig.run(schemaDrift);
    expect(told(report)).toEqual(changes.flatMap(([, ...found]) => found).toSorted());
    const orders = report.findings.find(({ fingerprint }) => fingerprint === 'table:app.orders');
    expect(orders?.evidence['parts']).toEqual([
      { part: 'column extra', class: 'additive', before: null, after: 'text' },
      { part: 'column note', class: 'breaking', before: 'character varying(20)', after: 'character varying(10)' },
    ]);
    expect(orders?.summary).toContain('column note from character varying(20) to character varying(10)');
    expect(JSON.stringify(report)).not.toContain('SELECT a - b');
    expect(told(await rig.run(schemaDrift))).toEqual(told(report));

    await rig.sql(`CREATE ROLE looks_${major} LOGIN PASSWORD 'postgres'`);
    expect(told(await rig.run(schemaDrift, {}, { as: `looks_${major}` }))).toEqual(told(report));
    await rig.sql(`DROP ROLE looks_${major}`);

    expect(await rig.run(schemaDrift, { accept: true })).toMatchObject({
      findings: [],
      figures: { baseline: 'accepted' },
    });
    expect(await rig.run(schemaDrift)).toMatchObject({ findings: [], unknown: [], figures: { baseline: 'kept' } });
    await rig.sql('DROP TABLE app.fresh; ALTER TABLE app.orders DROP COLUMN extra');
    expect(told(await rig.run(schemaDrift))).toEqual([
      'warning breaking changed table:app.orders',
      'warning breaking removed table:app.fresh',
    ]);
  });

  it('never waits for a lock, and says nothing of what it could not read', async () => {
    await using rig = await baselineOf(major);
    const holder = await rig.connect();
    await holder.query('BEGIN; LOCK app.orders IN ACCESS EXCLUSIVE MODE');
    const report = await rig.run(schemaDrift);
    expect(report.findings).toEqual([]);
    expect(report.unknown.map(({ object }) => object).toSorted()).toEqual([
      'app.bound',
      'app.kept',
      'app.named',
      'app.orders',
      'app.orders_customer_id_fkey',
      'app.orders_customer_id_idx',
      'app.orders_pkey',
      'app.orders_total_check',
      'app.own',
      'app.rich',
      'app.touch',
    ]);
    const taken = await rig.run(schemaDrift, { accept: true });
    expect(taken.unknown).toHaveLength(11);
    await holder.query('ROLLBACK');
    // What was locked when the baseline was taken is learnt now, and is no drift.
    expect(await rig.run(schemaDrift)).toMatchObject({ findings: [], unknown: [] });
    await rig.sql('ALTER TABLE app.orders DROP COLUMN note CASCADE; DROP VIEW app.rich');
    expect(told(await rig.run(schemaDrift))).toEqual(
      expect.arrayContaining(['warning changed changed table:app.orders', 'warning breaking removed view:app.rich']),
    );
  });

  it('takes no partition for drift unless asked to, nor an index that is not valid now for one that is gone', async () => {
    await using rig = await baselineOf(major);
    await rig.sql(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'app.named'::regclass`);
    expect(await rig.run(schemaDrift)).toMatchObject({ findings: [], unjudged: ['app.named'] });
    const other = await rig.run(schemaDrift, { ignore_partitions: false });
    expect(other).toMatchObject({ checked: 0, findings: [], unjudged: 'all', unknown: [{ grant: null }] });
    await rig.run(schemaDrift, { ignore_partitions: false, accept: true });
    await rig.sql('DROP TABLE app.events_1');
    expect(told(await rig.run(schemaDrift, { ignore_partitions: false }))).toEqual([
      'warning breaking removed table:app.events_1',
    ]);
    await rig.run(schemaDrift, { ignore_schemas: ['app'], accept: true });
    await rig.sql('DROP TABLE app.events');
    expect(await rig.run(schemaDrift, { ignore_schemas: ['app'] })).toMatchObject({ findings: [], unknown: [] });
  });
});
