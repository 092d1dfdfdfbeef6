import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { staleStatistics } from './index.ts';

const monitor = `stale statistics "monitor"`;
const nobody = `stale statistics 'nobody'`;
const rows = (count: number): string => `SELECT g AS id, 'x' AS note FROM generate_series(1, ${count}) g`;

/** What the fixture's findings are, the most urgent first; the never analysed ones have different ratios by their changes. */
const expected = {
  'public.bulk': 'never_analyzed',
  'public.indexed': 'never_analyzed',
  'public.vacuumed': 'never_analyzed',
  [`we're.we"ird; --`]: 'never_analyzed',
  'public.summary': 'never_analyzed',
  'public.events': 'never_analyzed',
  'public.base': 'never_analyzed',
  'public.strict': 'changed',
  'public.much': 'changed',
};

/** Sessions one after the other: counters are told when a session ends, and would undo what ANALYZE of the same session did. */
const fixture = [
  [
    `CREATE TABLE bulk AS ${rows(1000)}`,
    `CREATE TABLE indexed AS ${rows(900)}`,
    'CREATE INDEX ON indexed (id)',
    `CREATE TABLE vacuumed AS ${rows(800)}`,
    `CREATE SCHEMA "we're"`,
    `CREATE TABLE "we're"."we""ird; --" AS ${rows(700)}`,
    `CREATE MATERIALIZED VIEW summary AS ${rows(600)}`,
    // Only the leaves will be analysed, as autovacuum does it; below a partitioned table in between.
    'CREATE TABLE events (id int, note text) PARTITION BY RANGE (id)',
    'CREATE TABLE events_old PARTITION OF events FOR VALUES FROM (0) TO (10000) PARTITION BY HASH (id)',
    'CREATE TABLE events_old_0 PARTITION OF events_old FOR VALUES WITH (MODULUS 1, REMAINDER 0)',
    `INSERT INTO events ${rows(500)}`,
    // Autovacuum never sees that the parent has rows below.
    'CREATE TABLE base (id int, note text)',
    'CREATE TABLE child () INHERITS (base)',
    `INSERT INTO child ${rows(400)}`,
    `CREATE TABLE strict WITH (autovacuum_analyze_threshold = 10, autovacuum_analyze_scale_factor = 0) AS ${rows(1000)}`,
    `CREATE TABLE much AS ${rows(1000)}`,
    `CREATE TABLE tolerant WITH (autovacuum_analyze_scale_factor = 1) AS ${rows(1000)}`,
    `CREATE TABLE little AS ${rows(1000)}`,
    'CREATE TABLE empty (id int)',
    `CREATE TABLE emptied AS ${rows(10)}`,
    // An extension's own, and nothing of ours.
    'CREATE EXTENSION pg_stat_statements',
    `CREATE TABLE theirs AS ${rows(1000)}`,
    'ALTER EXTENSION pg_stat_statements ADD TABLE theirs',
  ],
  ['VACUUM vacuumed', 'ANALYZE events_old_0, child, strict, much, tolerant, little'],
  [
    `UPDATE strict SET note = 'y' WHERE id <= 100`,
    `UPDATE much SET note = 'y' WHERE id <= 900`,
    `UPDATE tolerant SET note = 'y' WHERE id <= 1000`,
    `UPDATE little SET note = 'y' WHERE id <= 150`,
    'DELETE FROM emptied',
  ],
];

const reasonsOf = ({ findings }: Awaited<ReturnType<CheckRig['run']>>) =>
  Object.fromEntries(findings.map(({ object, evidence }) => [`${object.schema}.${object.name}`, evidence['reason']]));

describe.each(majors)('stale_statistics on PostgreSQL %i', (major) => {
  it('finds what autovacuum would analyse or never does, tells what it cannot see, and nothing once it was done', async () => {
    await using rig = await setup(major);
    const temporary = await rig.connect();
    await temporary.query(`CREATE TEMP TABLE scratch AS ${rows(1000)}`);
    await whatIsDue(rig, major);
    await whatIsLocked(rig);
    await whatRolesSee(rig, major);
    await whatRemainsOnceDone(rig);
    await whatLostCountersLeave(rig);
  });
});

const all = { min_table_size_mb: 0 };

async function whatIsDue(rig: CheckRig, major: PostgresMajor): Promise<void> {
  const report = await rig.run(staleStatistics, all);
  expect(reasonsOf(report)).toEqual(expected);
  expect(report.findings.slice(0, 7).map(({ evidence }) => evidence['reason'])).toEqual(
    Array(7).fill('never_analyzed'),
  );
  expect(report).toMatchObject({
    checked: 14,
    skipped: [
      { object: 'public.events_old', reason: 'counted with public.events' },
      { object: 'public.emptied', reason: 'empty' },
      { object: 'public.empty', reason: 'empty' },
    ],
    unknown: [],
    figures: { stale_tables_found: 9, never_analyzed: 7, tables_in_this_run: 9 },
  });
  expect(report.findings.find(({ object }) => object.name === 'events')).toMatchObject({
    severity: 'warning',
    evidence: { rows: 500, partitioned: true, autovacuum: 'never analyses a partitioned table', due_partitions: 1 },
    action: { sql: ['ANALYZE public.events'] },
  });
  // From 18 on ANALYZE goes on to the children unless told otherwise; before, it never did.
  expect(report.findings.find(({ object }) => object.name === 'base')?.action?.sql).toEqual([
    major >= 18 ? 'ANALYZE ONLY public.base' : 'ANALYZE public.base',
  ]);
  // By default 10 MiB: nothing here is that large, and nothing is called healthy for it.
  expect(await rig.run(staleStatistics)).toMatchObject({ checked: 0, findings: [] });
}

async function whatIsLocked(rig: CheckRig): Promise<void> {
  const holder = await rig.connect();
  await holder.query('BEGIN; LOCK TABLE bulk, events_old_0 IN ACCESS EXCLUSIVE MODE; LOCK TABLE much IN SHARE MODE');
  const waiter = await rig.connect();
  const waiting = waiter.query('BEGIN; LOCK TABLE much IN ACCESS EXCLUSIVE MODE; ROLLBACK');
  await expect
    .poll(() => rig.sql(`SELECT count(*)::int AS n FROM pg_locks WHERE NOT granted AND relation = 'much'::regclass`))
    .toEqual([{ n: 1 }]);
  const { unknown, findings } = await rig.run(staleStatistics, all);
  const locked = ['public.bulk', 'public.events', 'public.events_old', 'public.events_old_0', 'public.much'];
  expect(unknown).toEqual(locked.map((object) => ({ object, reason: 'locked', grant: null })));
  expect(findings).toHaveLength(6);
  await holder.query('ROLLBACK');
  await waiting;
}

async function whatRolesSee(rig: CheckRig, major: PostgresMajor): Promise<void> {
  const [names] = await rig.sql<{ monitor: string; nobody: string }>(
    'SELECT quote_ident($1) AS monitor, quote_ident($2) AS nobody',
    [monitor, nobody],
  );
  if (names === undefined) throw new Error('a SELECT without FROM returned no row');
  await rig.execute([
    `CREATE ROLE ${names.monitor} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor`,
    `CREATE ROLE ${names.nobody} LOGIN PASSWORD 'postgres'`,
    // Too few changes to be due for them: only the missing statistics tell.
    'ALTER TABLE vacuumed SET (autovacuum_analyze_threshold = 5000)',
    'ALTER TABLE indexed SET (autovacuum_analyze_threshold = 5000)',
  ]);
  try {
    // VACUUM sets reltuples, and so does CREATE INDEX; from 18 on not where autovacuum is off, as on the servers of tests.
    const uncertain = major >= 18 ? ['public.vacuumed'] : ['public.indexed', 'public.vacuumed'];
    const certain = Object.fromEntries(Object.entries(expected).filter(([name]) => !uncertain.includes(name)));
    for (const role of [monitor, nobody]) {
      const report = await rig.run(staleStatistics, all, { as: role });
      expect(reasonsOf(report)).toEqual(certain);
      expect(report.unknown.map(({ object }) => object)).toEqual(uncertain);
      await rig.execute(report.unknown.map(({ grant }) => grant ?? ''));
      const cured = await rig.run(staleStatistics, all, { as: role });
      expect(reasonsOf(cured)).toEqual(expected);
      expect(cured.unknown).toEqual([]);
    }
  } finally {
    await rig.sql(`DROP OWNED BY ${names.monitor}, ${names.nobody}; DROP ROLE ${names.monitor}, ${names.nobody}`);
  }
}

async function whatRemainsOnceDone(rig: CheckRig): Promise<void> {
  const { findings } = await rig.run(staleStatistics, all);
  await rig.execute(findings.flatMap(({ action }) => action?.sql ?? []));
  expect(await rig.sql(`SELECT DISTINCT tablename::text AS name FROM pg_stats WHERE inherited ORDER BY 1`)).toEqual([
    { name: 'base' },
    { name: 'events' },
    { name: 'events_old' },
  ]);
  await expect.poll(async () => reasonsOf(await rig.run(staleStatistics, all))).toEqual({});
  // Age alone is no reason, age and a change are: the limits of `little` and `tolerant` are not reached.
  const old = await rig.run(staleStatistics, { ...all, stale_threshold_hours: 1e-9 });
  expect(reasonsOf(old)).toEqual({ 'public.little': 'stale', 'public.tolerant': 'stale' });
  expect(old.findings.map(({ severity }) => severity)).toEqual(['info', 'info']);
}

/** Statistics that are there are not called missing, and those that are missing are found all the same. */
async function whatLostCountersLeave(rig: CheckRig): Promise<void> {
  await rig.sql(`CREATE TABLE loaded AS ${rows(300)}`);
  await expect
    .poll(async () => {
      await rig.sql('SELECT pg_stat_reset()');
      return (await rig.run(staleStatistics, all)).unknown.length;
    })
    .toBe(14);
  const lost = await rig.run(staleStatistics, all);
  // Whether the pages of `emptied` hold rows, nobody knows any more.
  expect(reasonsOf(lost)).toEqual({ 'public.emptied': 'never_analyzed', 'public.loaded': 'never_analyzed' });
  expect(lost.unknown[0]).toMatchObject({ reason: expect.stringContaining('counters were lost'), grant: null });
}

async function setup(major: PostgresMajor): Promise<CheckRig> {
  const rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
  for (const session of fixture) await rig.execute(session);
  // Before 15 the counters come by a message that may be late.
  const told = `SELECT relname::text AS name, n_live_tup::int AS live, n_mod_since_analyze::int AS modified FROM pg_stat_user_tables
    WHERE relname IN ('bulk', 'emptied', 'little', 'much') ORDER BY 1`;
  await expect
    .poll(() => rig.sql(told))
    .toEqual([
      { name: 'bulk', live: 1000, modified: 1000 },
      { name: 'emptied', live: 0, modified: 20 },
      { name: 'little', live: 1000, modified: 150 },
      { name: 'much', live: 1000, modified: 900 },
    ]);
  return rig;
}
