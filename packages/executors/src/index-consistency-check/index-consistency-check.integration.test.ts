import { parse } from 'libpg-query';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { findIn } from '../../test/find-in.ts';
import { remembering, runCheckOf } from '../../test/remembering.ts';
import { openRig, type RigRun, type TargetRig } from '../../test/target-rig.ts';
import { indexConsistencyCheck } from './index.ts';
import { reportKey } from './plan.ts';

const hostile = `"we""ird; --"`;
const open = async (major: PostgresMajor): Promise<TargetRig> => {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(`CREATE SCHEMA "to""ols"; CREATE EXTENSION amcheck SCHEMA "to""ols"; CREATE SCHEMA ${hostile};
    CREATE TABLE ${hostile}.${hostile} (id int, words text[], note text);
    INSERT INTO ${hostile}.${hostile} SELECT g, ARRAY[md5(g::text)], repeat('x', 10) FROM generate_series(1, 400) g;
    CREATE INDEX "in""dex; --" ON ${hostile}.${hostile} (id);
    CREATE INDEX words_gin ON ${hostile}.${hostile} USING gin (words);
    CREATE TABLE parted (id int) PARTITION BY RANGE (id); CREATE TABLE leaf PARTITION OF parted FOR VALUES FROM (0) TO (1000);
    CREATE INDEX parted_id ON parted (id); INSERT INTO parted SELECT generate_series(1, 100)`);
  return rig;
};
/** Rows that came while the index was not kept up: it lacks them, and only heapallindexed tells. */
const loseRows = (rig: TargetRig) =>
  rig.sql(`UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = '${hostile}."in""dex; --"'::regclass;
    INSERT INTO ${hostile}.${hostile} SELECT g FROM generate_series(401, 500) g;
    UPDATE pg_index SET indisready = true, indisvalid = true WHERE indexrelid = '${hostile}."in""dex; --"'::regclass`);
const indexName = `${hostile}."in""dex; --"`;
const kinds = ({ steps }: RigRun) => Object.fromEntries(steps.map(({ step, outcome }) => [step.key, outcome.kind]));
const errors = ({ steps }: RigRun) =>
  steps.flatMap(({ step, outcome }) => (outcome.kind === 'failed' ? [[step.key, outcome.error.code]] : []));

describe.each(majors)('INDEX_CONSISTENCY_CHECK on PostgreSQL %i', (major) => {
  it('verifies what is named in every way there is, each by one SELECT', async () => {
    await using rig = await open(major);
    const run = await rig.run(indexConsistencyCheck, {
      tables: [`${hostile}.${hostile}`, 'parted'],
      ...{ heapallindexed: true, parent_check: true, rootdescend: true, check_unique: true, check_heap: true },
    });
    expect(run.problems).toEqual([]);
    expect(kinds(run)).toMatchObject({
      [indexName]: 'done',
      'public.leaf_id_idx': 'done',
      [`${hostile}.${hostile}`]: 'done',
      [reportKey]: 'done',
    });
    expect(errors(run)).toEqual([]);
    expect(Object.keys(kinds(run)).includes(`${hostile}.words_gin`)).toBe(major >= 18);
    expect(run.plan?.unknown.map(({ reason }) => reason)).toEqual(major >= 17 ? [] : ['checkunique_needs_amcheck_1.4']);
    for (const { step } of run.steps) {
      for (const statement of step.statements) {
        const { stmts = [] } = await parse(statement);
        expect(stmts.map(({ stmt }) => Object.keys(stmt ?? {}))).toEqual([['SelectStmt']]);
      }
    }
    expect(run.reports).toMatchObject([{ check: 'integrity', findings: [] }]);
  });
});

describe.each([14, 18] as const)('corruption on PostgreSQL %i', (major) => {
  it('fails its step, is a finding, and stays one until as close a look finds it gone', async () => {
    await using rig = await open(major);
    const { context, keep, snapshots } = remembering();
    await loseRows(rig);
    const light = await rig.run(indexConsistencyCheck, { indexes: [indexName] }, { context });
    expect(errors(light)).toEqual([]);
    const run = await rig.run(indexConsistencyCheck, { tables: [hostile], heapallindexed: true }, { context });
    keep(run);
    expect(errors(run)).toEqual([[indexName, 'corruption_found']]);
    const failed = run.steps.find(({ step }) => step.key === indexName)?.outcome;
    expect(failed).toMatchObject({
      error: {
        message: expect.stringMatching(/lacks matching index tuple.*copy the files/),
        detail: { sqlstate: 'XX001' },
      },
    });
    // At once, and with the rest at the end.
    expect(run.reports.map(({ findings }) => findings.map(({ fingerprint }) => fingerprint))).toEqual([
      [`index:${indexName}`],
      [`index:${indexName}`],
    ]);
    const nightly = await runCheckOf(rig, 'integrity', context);
    expect(nightly.reports[0]).toMatchObject({
      findings: [],
      unjudged: expect.arrayContaining(['we"ird; --.in"dex; --']),
    });
    keep(nightly);
    await rig.sql(`REINDEX INDEX ${indexName}`);
    const cured = await rig.run(indexConsistencyCheck, { indexes: [indexName], heapallindexed: true }, { context });
    keep(cured);
    expect(errors(cured)).toEqual([]);
    expect(cured.reports[0]?.unjudged).not.toContain('we"ird; --.in"dex; --');
    expect(snapshots.get('integrity')?.values).not.toHaveProperty('corrupt');
    expect(await findIn(rig, 'integrity', 'in"dex')).toBeUndefined();
  });

  it('of tables is told with what amcheck says, and no other failure is taken for it', async () => {
    await using rig = await open(major);
    await rig.sql('CREATE TABLE rotten AS SELECT generate_series(1, 30) AS id');
    await rig.sql(`UPDATE pg_class SET relfrozenxid = (txid_current() % (2^32)::bigint)::text::xid WHERE relname = 'rotten';
      CREATE FUNCTION gone(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN helper($1); END';
      CREATE FUNCTION public.helper(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
      CREATE TABLE careless (id int); CREATE INDEX careless_gone ON careless (gone(id)); INSERT INTO careless VALUES (1), (2)`);
    const run = await rig.run(indexConsistencyCheck, {
      tables: ['rotten', 'careless'],
      check_heap: true,
      heapallindexed: true,
    });
    expect(errors(run)).toEqual([
      ['public.rotten', 'corruption_found'],
      ['public.careless_gone', 'check_failed'],
    ]);
    expect(run.steps.find(({ step }) => step.key === 'public.rotten')?.outcome).toMatchObject({
      error: {
        detail: { problems: 30, first_problems: expect.arrayContaining([expect.objectContaining({ block: 0 })]) },
      },
    });
    expect(run.reports.at(-1)).toMatchObject({
      findings: [{ fingerprint: 'table:public.rotten', severity: 'critical', action: null }],
      unknown: expect.arrayContaining([
        { object: 'public.careless_gone', reason: expect.stringMatching(/^check_failed/), grant: null },
      ]),
    });
  });

  it('is looked for in turn, run after run, in all there is', async () => {
    await using rig = await open(major);
    const { context, keep } = remembering();
    const seen: string[][] = [];
    for (let run = 0; run < 2; run += 1) {
      const turn = await rig.run(indexConsistencyCheck, { max_relations: 3 }, { context });
      keep(turn);
      seen.push(turn.steps.slice(0, -1).map(({ step }) => step.key));
      expect(turn.plan?.skipped).toContainEqual({
        object: expect.stringMatching(/^\d+ relations$/),
        reason: 'over_max_mb',
      });
    }
    expect(seen.map(({ length }) => length)).toEqual([3, 3]);
    expect(new Set(seen.flat()).size).toBe(6);
    const all = await rig.run(indexConsistencyCheck, {}, { context });
    expect(errors(all)).toEqual([]);
    expect(kinds(all)).toMatchObject({ 'pg_catalog.pg_class_oid_index': 'done', [indexName]: 'done' });
    // First those that come after what was verified before.
    expect(seen.flat()).not.toContain(all.steps[0]?.step.key);
  });

  it('is not looked for where somebody holds the table, nor in what is gone or has another name', async () => {
    await using rig = await open(major);
    const other = await rig.connect();
    const steps = { indexes: [indexName, 'parted_id'] };
    const lock = async () => {
      await other.query(`BEGIN; LOCK TABLE ${hostile}.${hostile} IN ACCESS EXCLUSIVE MODE`);
      await rig.sql('ALTER INDEX leaf_id_idx RENAME TO renamed');
    };
    const run = await rig.run(indexConsistencyCheck, steps, { beforeSteps: lock });
    expect(errors(run)).toEqual([[indexName, 'lock_timeout']]);
    expect(kinds(run)['public.leaf_id_idx']).toBe('skipped');
    await other.query(`ROLLBACK; BEGIN; LOCK TABLE ${hostile}.${hostile} IN ROW EXCLUSIVE MODE`);
    expect(errors(await rig.run(indexConsistencyCheck, { indexes: [indexName] }))).toEqual([]);
    const blocking = { indexes: [indexName], parent_check: true };
    expect(errors(await rig.run(indexConsistencyCheck, blocking))).toEqual([[indexName, 'lock_timeout']]);
    await other.query('ROLLBACK');
    expect(errors(await rig.run(indexConsistencyCheck, blocking))).toEqual([]);
    const { problems } = await rig.plan(indexConsistencyCheck, { indexes: ['nothing'], tables: ['pg_class'] });
    expect(problems.map(({ pointer, code }) => [pointer, code])).toEqual([
      ['/tables/0', 'excluded_table'],
      ['/indexes/0', 'unknown_index'],
    ]);
  });

  it('needs amcheck and the right to call it, and says how to get them', async () => {
    const role = await createRole(inject('targetUrls')[major]);
    await using rig = await openRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(`ALTER ROLE ${role.name} PASSWORD 'postgres'`);
    expect((await rig.plan(indexConsistencyCheck, {})).plan).toMatchObject({
      steps: [],
      unknown: [{ object: 'amcheck', reason: 'amcheck_missing', grant: 'CREATE EXTENSION amcheck' }],
    });
    await rig.sql('CREATE EXTENSION amcheck; CREATE TABLE t (id int PRIMARY KEY)');
    const { plan } = await rig.plan(indexConsistencyCheck, {}, { as: role.name });
    expect(plan?.steps).toEqual([]);
    expect(new Set(plan?.unknown.map(({ reason }) => reason))).toEqual(new Set(['insufficient_privilege']));
    for (const { grant } of plan?.unknown ?? []) await rig.sql(grant ?? '');
    expect(kinds(await rig.run(indexConsistencyCheck, { tables: ['t'] }, { as: role.name }))).toMatchObject({
      'public.t_pkey': 'done',
    });
  });
});
