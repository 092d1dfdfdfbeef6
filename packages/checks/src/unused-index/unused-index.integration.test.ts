import type { ObservedUsage } from '@slacktide/application/ports';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { type CheckRig, openCheckRig, standbyAt } from '../../test/check-rig.ts';
import { unusedIndex } from './index.ts';

/** What may go, what is needed without ever being scanned, and what is scanned. */
const fixture = `
CREATE TABLE plain (a int, b text, d tsvector, r int4range, EXCLUDE USING gist (r WITH &&));
CREATE INDEX plain_never ON plain (a, b);
CREATE INDEX plain_expression ON plain (lower(b), (a + 1), b) WHERE a > 0;
CREATE INDEX plain_gin ON plain USING gin (d);
CREATE INDEX plain_brin ON plain USING brin (a);
CREATE INDEX plain_low ON plain (a);
CREATE INDEX plain_used ON plain (b);
CREATE UNIQUE INDEX plain_unique ON plain (a) WHERE b IS NULL;
CREATE INDEX plain_invalid ON plain (b, a);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'plain_invalid'::regclass;
CREATE TABLE identified (a int NOT NULL, b int);
CREATE UNIQUE INDEX identified_identity ON identified (a);
ALTER TABLE identified REPLICA IDENTITY USING INDEX identified_identity;
CREATE INDEX identified_cluster ON identified (b);
ALTER TABLE identified CLUSTER ON identified_cluster;

CREATE TABLE parent (a int, b int, c text, PRIMARY KEY (a), UNIQUE (a, b), UNIQUE (c));
CREATE TABLE child (a int REFERENCES parent (a), x int, y int, FOREIGN KEY (x, y) REFERENCES parent (a, b),
  c text REFERENCES parent (c), e text REFERENCES parent (c), two int REFERENCES parent (a), part int REFERENCES parent (a));
CREATE INDEX child_a ON child (a);
CREATE INDEX child_xy ON child (y, x);
CREATE INDEX child_x ON child (x);
CREATE INDEX child_c_not_null ON child (c) WHERE c IS NOT NULL;
CREATE INDEX child_c_positive ON child (c) WHERE a > 0;
CREATE INDEX child_e_other ON child (e COLLATE "C");
CREATE INDEX child_two_old ON child (two);
CREATE INDEX child_two_new ON child (two, a);
CREATE INDEX child_part ON child USING hash (part);
CREATE TABLE partial_support (x int, y int, z int, FOREIGN KEY (x, y) REFERENCES parent (a, b));
CREATE INDEX partial_support_y ON partial_support (y, z);

CREATE TABLE parted (a int, b int, c int REFERENCES parent (a)) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (a);
CREATE TABLE parted_1_leaf PARTITION OF parted_1 FOR VALUES FROM (0) TO (5);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (10) TO (20);
CREATE INDEX parted_never ON parted (b, a);
CREATE INDEX parted_used ON parted (b);
CREATE INDEX parted_key ON parted (c);
CREATE INDEX parted_2_own ON parted_2 (c);
CREATE TABLE empty (a int) PARTITION BY RANGE (a);
CREATE INDEX empty_a ON empty (a);

CREATE EXTENSION pg_trgm;
CREATE TABLE extensions (a int);
CREATE INDEX extensions_a ON extensions (a);
ALTER EXTENSION pg_trgm ADD TABLE extensions;

CREATE SCHEMA "odd ""schema";
CREATE TABLE "odd ""schema"."ta""ble" ("we""ird; --" int);
CREATE INDEX "we""ird; --" ON "odd ""schema"."ta""ble" (("we""ird; --" + 1));

INSERT INTO plain SELECT g, g::text FROM generate_series(1, 100) g;
INSERT INTO parted SELECT g, g FROM generate_series(0, 4) g;
SET enable_seqscan = off;
SELECT count(*) FROM plain WHERE a = 1;
SELECT count(*) FROM plain WHERE a = 2;
DO $$ BEGIN FOR i IN 1..10 LOOP
  PERFORM count(*) FROM plain WHERE b = 'x';
  PERFORM count(*) FROM parted_1_leaf WHERE b = 1;
END LOOP; END $$;
`;

const unused = [
  'odd "schema.we"ird; --',
  'public.child_c_positive',
  'public.child_e_other',
  'public.child_two_new',
  'public.child_x',
  'public.parted_2_own',
  'public.parted_never',
  'public.plain_brin',
  'public.plain_expression',
  'public.plain_gin',
  'public.plain_never',
];
const skipped = {
  'public.child_a': 'nothing else supports foreign key child_a_fkey',
  'public.child_c_not_null': 'nothing else supports foreign key child_c_fkey',
  'public.child_part': 'nothing else supports foreign key child_part_fkey',
  'public.child_two_old': 'nothing else would support foreign key child_two_fkey',
  'public.child_xy': 'nothing else supports foreign key child_x_y_fkey',
  'public.empty_a': 'no partitions',
  'public.identified_cluster': 'CLUSTER orders the table by it',
  'public.identified_identity': 'unique',
  'public.parent_a_b_key': 'unique',
  'public.parent_c_key': 'unique',
  'public.parent_pkey': 'primary key',
  'public.parted_key': 'nothing else supports foreign key parted_c_fkey',
  'public.partial_support_y': 'nothing else supports foreign key partial_support_x_y_fkey',
  'public.plain_invalid': 'invalid',
  'public.plain_r_excl': 'exclusion constraint',
  'public.plain_unique': 'unique',
};
const partedNames = ['parted', 'parted_1', 'parted_1_leaf', 'parted_2'];
/** The rollback of a partitioned index makes and attaches its parts. */
const mayName = () => [...partedNames, ...partedNames.map((name) => `${name}_b_a_idx`)].map((name) => `public.${name}`);
const counters = { days_unused: 0, min_size_mb: 0 };

async function definitions(rig: CheckRig): Promise<Record<string, unknown>[]> {
  return rig.sql(`SELECT n.nspname, c.relname, pg_get_indexdef(c.oid) AS definition, i.indisvalid
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' ORDER BY n.nspname, c.relname`);
}

const days = (count: number): number => count * 24 * 3_600_000;

describe.each(majors)('unused_index on PostgreSQL %i', (major) => {
  const open = async (script: string): Promise<CheckRig> => {
    const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    onTestFinished(() => rig[Symbol.asyncDispose]());
    await rig.sql(script);
    return rig;
  };

  it("finds by the server's counters what nothing needs, and drops nothing else", async () => {
    const role = await createRole(inject('targetUrls')[major]);
    const monitor = await createRole(inject('targetUrls')[major], 'IN ROLE pg_monitor');
    const rig = await open(fixture);
    await expect
      .poll(async () => (await rig.run(unusedIndex, counters, { mayName })).findings.map(({ object }) => object.name))
      .toContain('plain_low');
    const report = await rig.run(unusedIndex, counters, { mayName });
    const { findings } = report;
    const key = ({ fingerprint }: { fingerprint: string }): string => fingerprint.replace('index:', '');
    expect(
      findings
        .filter(({ severity }) => severity === 'warning')
        .map(key)
        .toSorted(),
    ).toEqual(unused);
    expect(findings.filter(({ severity }) => severity === 'info').map(key)).toEqual(['public.plain_low']);
    expect(Object.fromEntries(report.skipped.map(({ object, reason }) => [object, reason]))).toEqual(skipped);
    expect(report).toMatchObject({ unknown: [], checked: unused.length + 3 });

    const of = (name: string) => findings.find((finding) => key(finding) === name);
    expect(of('public.plain_low')).toMatchObject({
      evidence: { use: 'low_use', scans: 2, min_scans: 10, index_writes_since_reset: 100, scans_per_write: 0.02 },
      action: null,
    });
    expect(of('public.plain_never')).toMatchObject({
      evidence: {
        use: 'unused',
        scans: 0,
        nodes: [{ node: 'primary', scans: 0, observed_days: null }],
        stands_in_for: ['public.plain_low'],
      },
      action: {
        sql: ['DROP INDEX CONCURRENTLY public.plain_never'],
        class: 'never_retry',
        lockMode: 'SHARE UPDATE EXCLUSIVE',
      },
    });
    expect(of('public.parted_never')).toMatchObject({
      evidence: { parts: 2 },
      action: { sql: ['DROP INDEX public.parted_never'], lockMode: 'ACCESS EXCLUSIVE' },
    });
    for (const [name, statistics] of [
      [
        'public.plain_expression',
        'CREATE STATISTICS public.plain_expression_statistics ON lower(b), ((a + 1)) FROM public.plain',
      ],
      [
        'odd "schema.we"ird; --',
        'CREATE STATISTICS "odd ""schema"."we""ird; --_statistics" ON (("we""ird; --" + 1)) FROM "odd ""schema"."ta""ble"',
      ],
    ] as const) {
      expect(of(name)?.evidence).toMatchObject({
        planner_statistics: expect.any(String),
        create_statistics: statistics,
      });
      await rig.execute([statistics]);
    }

    for (const as of [role.name, monitor.name]) {
      await rig.sql(`ALTER ROLE ${as} PASSWORD 'postgres'`);
      expect(await rig.run(unusedIndex, counters, { as, mayName })).toEqual(report);
    }

    const before = await definitions(rig);
    await rig.execute(findings.flatMap(({ action }) => action?.sql ?? []));
    expect((await rig.run(unusedIndex, counters)).findings.map(key)).toEqual(['public.plain_low']);
    await rig.execute(findings.flatMap(({ action }) => action?.rollbackSql ?? []));
    expect(await definitions(rig)).toEqual(before);
  });

  it('wants every node to have been watched for the whole window', async () => {
    const rig = await open(`CREATE TABLE t AS SELECT g AS a FROM generate_series(1, 50000) g; CREATE INDEX t_a ON t (a);
CREATE TABLE tiny (a int); CREATE INDEX tiny_a ON tiny (a); ANALYZE t`);
    const [{ oid } = { oid: 0 }] = await rig.sql<{ oid: number }>(`SELECT 't_a'::regclass::oid AS oid`);
    const now = new Date();
    const standby = standbyAt(rig.url, 's1:5432/shop');
    const seen = (node: string, watchedDays: number, scans = 0): ObservedUsage['nodes'][number] => ({
      node,
      observedSince: new Date(now.getTime() - days(watchedDays)),
      lastSampledAt: now,
      scans,
    });
    const run = (...nodes: ObservedUsage['nodes']) =>
      rig.run(unusedIndex, {}, { now, standbys: [standby], usage: [{ oid, nodes }] });
    const unknown = (reason: string) => ({
      checked: 0,
      findings: [],
      unknown: [{ object: 'public.t_a', reason, grant: null }],
    });

    const found = await run(seen('primary', 8), seen('s1:5432/shop', 7));
    expect(found).toMatchObject({
      checked: 1,
      unknown: [],
      skipped: [{ object: 'public.tiny_a', reason: 'table smaller than min_size_mb' }],
      findings: [
        {
          severity: 'warning',
          evidence: {
            nodes: [
              { node: 'primary', scans: 0, observed_days: 8 },
              { node: 's1:5432/shop', scans: 0, observed_days: 7 },
            ],
          },
        },
      ],
    });
    expect(found.findings[0]?.summary).toContain('on primary, s1:5432/shop in the last 7 days: drop public.t_a');
    expect(await run(seen('primary', 8))).toMatchObject(unknown('standby s1:5432/shop was not sampled'));
    expect(await run(seen('primary', 2.1), seen('s1:5432/shop', 9))).toMatchObject(
      unknown('observed for 2.1 of 7 days'),
    );
    expect(await run()).toMatchObject(unknown('the primary was not sampled'));
    // A scan that the samples have not seen: servers from 16 on remember it.
    await rig.sql('SET enable_seqscan = off; SELECT count(*) FROM t WHERE a = 1');
    const scanned = () => run(seen('primary', 8), seen('s1:5432/shop', 8)).then(({ findings }) => findings.length);
    if (major >= 16) await expect.poll(scanned).toBe(0);
    else expect(await scanned()).toBe(1);
  });

  it('reads the counters of standbys itself, and does not take what cannot be read for unused', async () => {
    const script = 'CREATE TABLE t (a int); CREATE INDEX t_a ON t (a); CREATE INDEX t_b ON t (a DESC)';
    const rig = await open(script);
    const standby = await open(
      `${script}; SET enable_seqscan = off; DO $$ BEGIN FOR i IN 1..10 LOOP PERFORM FROM t WHERE a = 1; END LOOP; END $$`,
    );
    const gone = new URL(rig.url);
    gone.pathname = '/no_such_database';
    const run = (...standbys: { name: string; url: string }[]) =>
      rig.run(unusedIndex, counters, { standbys: standbys.map(({ name, url }) => standbyAt(url, name)) });
    await expect.poll(async () => (await run({ name: 's1', url: standby.url })).findings.length).toBe(1);
    const report = await run({ name: 's1', url: standby.url }, { name: 's2', url: gone.href });
    expect(report).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [{ reason: expect.stringMatching(/^standby s2 could not be read: /) }],
    });
    await standby.sql('DROP TABLE t');
    expect((await run({ name: 's1', url: standby.url })).unknown.map(({ reason }) => reason)).toEqual(
      Array(2).fill('standby s1 does not have it yet'),
    );
    const holder = await rig.connect();
    await holder.query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    expect((await run()).unknown.map(({ reason }) => reason)).toEqual(['locked', 'locked']);
    await holder.query('ROLLBACK');
    await rig.sql(`DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET track_counts = off', current_database()); END $$`);
    expect((await run()).unknown.map(({ reason }) => reason)).toEqual(
      Array(2).fill(expect.stringMatching(/^track_counts is off/)),
    );
  });
});

describe('unused_index on PostgreSQL 18', () => {
  it('keeps what temporal keys need, on either side', async () => {
    await using rig = await openCheckRig(await createDatabase(inject('targetUrls')[18]));
    await rig.sql(`CREATE EXTENSION btree_gist;
CREATE TABLE t (a int, during daterange, PRIMARY KEY (a, during WITHOUT OVERLAPS));
CREATE TABLE u (a int, during daterange, b int, FOREIGN KEY (a, PERIOD during) REFERENCES t (a, PERIOD during),
  FOREIGN KEY (a, PERIOD during) REFERENCES t (a, PERIOD during) NOT ENFORCED);
CREATE INDEX u_key ON u USING gist (a, during);
CREATE INDEX u_btree ON u (a, during)`);
    const report = await rig.run(unusedIndex, counters);
    expect(report.findings.map(({ object }) => object.name)).toEqual(['u_btree']);
    expect(report.skipped.map(({ object, reason }) => [object, reason])).toEqual([
      ['public.t_pkey', 'primary key'],
      ['public.u_key', 'nothing else supports foreign key u_a_during_fkey'],
    ]);
  });
});
