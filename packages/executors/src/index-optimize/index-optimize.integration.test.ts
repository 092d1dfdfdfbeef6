import type { Standby } from '@slacktide/application/ports';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { findIn } from '../../test/find-in.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { usageContext, usageOn } from '../../test/usage-context.ts';
import { indexOptimize } from './index.ts';

/** A duplicate, a redundant and an unused index, each on a table of its own, and names nobody should have. */
const fixture = `
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA "we""ird; --";
CREATE TABLE "we""ird; --"."it's" (a int, b int);
CREATE INDEX "twin 1" ON "we""ird; --"."it's" (b);
CREATE INDEX "twin 2" ON "we""ird; --"."it's" (b);
CREATE TABLE wide (a int, b int);
CREATE INDEX wide_a ON wide (a);
CREATE INDEX wide_a_b ON wide (a, b);
CREATE TABLE idle (id int PRIMARY KEY, c text);
CREATE INDEX idle_c ON idle (c);
INSERT INTO wide SELECT n % 100, n FROM generate_series(1, 2000) AS n;
INSERT INTO idle SELECT n, 'c' || n FROM generate_series(1, 2000) AS n;
ANALYZE`;

const drops = { drop_duplicate: true, drop_redundant: true, drop_unused: true, min_table_size_mb: 0, rebuild: false };

async function setup(major: PostgresMajor) {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(fixture);
  await forgetStatements(rig);
  return rig;
}

/** Of this database alone: others are at work on the server. */
async function forgetStatements(rig: TargetRig): Promise<void> {
  await rig.sql(
    'SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)',
  );
}

async function indexesOf(rig: TargetRig): Promise<string[]> {
  const rows = await rig.sql<{ name: string }>(
    `SELECT relname || CASE WHEN indisvalid THEN '' ELSE ' invalid' END AS name
     FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.oid >= 16384 AND relname !~ '^pg_' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
const all = ['idle_c', 'idle_pkey', 'twin 1', 'twin 2', 'wide_a', 'wide_a_b'];

describe.each(majors)('INDEX_OPTIMIZE on PostgreSQL %i', (major) => {
  it('drops what it was asked to drop, and shows exactly that before', async () => {
    await using rig = await setup(major);
    const context = await usageContext(rig, { wide_a_b: [usageOn('primary', { scans: 9 })] });
    const { plan } = await rig.plan(indexOptimize, drops, { context });
    expect(plan?.steps.map(({ key, statements }) => [key, statements])).toEqual([
      [
        `"we""ird; --"."twin 2"`,
        ['BEGIN', `DROP INDEX "we""ird; --"."twin 2"`, 'ROLLBACK', `DROP INDEX CONCURRENTLY "we""ird; --"."twin 2"`],
      ],
      ['public.wide_a', expect.arrayContaining(['DROP INDEX CONCURRENTLY public.wide_a'])],
      ['public.idle_c', expect.arrayContaining(['DROP INDEX CONCURRENTLY public.idle_c'])],
    ]);
    expect(await indexesOf(rig)).toEqual(all);

    const { steps, effects, rollbackPoints, remnants } = await rig.run(indexOptimize, drops, { context });
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([{ kind: 'done' }, { kind: 'done' }, { kind: 'done' }]);
    expect(await indexesOf(rig)).toEqual(['idle_pkey', 'twin 1', 'wide_a_b']);
    expect(effects.map(({ action, object }) => [action, object])).toEqual([
      ['drop_index', `"we""ird; --"."twin 2"`],
      ['drop_index', 'public.wide_a'],
      ['drop_index', 'public.idle_c'],
    ]);
    expect(rollbackPoints.map(({ state, statements }) => [state, ...statements])).toEqual([
      ['armed', `CREATE INDEX CONCURRENTLY "twin 2" ON "we""ird; --"."it's" USING btree (b)`],
      ['armed', 'CREATE INDEX CONCURRENTLY wide_a ON public.wide USING btree (a)'],
      ['armed', 'CREATE INDEX CONCURRENTLY idle_c ON public.idle USING btree (c)'],
    ]);
    expect(remnants.map(({ outcome }) => outcome)).toEqual(['absent', 'absent', 'absent']);
    for (const check of ['duplicate_index', 'redundant_index'] as const) {
      expect(await findIn(rig, check, 'index:'), check).toBeUndefined();
    }
  });

  it('drops nothing unless it was asked to', async () => {
    await using rig = await setup(major);
    const context = await usageContext(rig);
    const { plan } = await rig.run(indexOptimize, {}, { context });
    expect(plan?.steps).toEqual([]);
    const { drop_unused, drop_redundant, ...rest } = drops;
    const one = await rig.run(indexOptimize, rest, { context });
    expect(one.steps.map(({ step }) => step.data['way'])).toEqual(['duplicate']);
    expect(await indexesOf(rig)).toEqual(all.filter((name) => name !== 'twin 2'));
  });

  it('rebuilds by measured waste', async () => {
    await using rig = await setup(major);
    await rig.sql('CREATE EXTENSION pgstattuple');
    await rig.sql(`DELETE FROM idle WHERE id % 50 > 0`);
    await rig.sql('VACUUM idle');
    const { steps, effects } = await rig.run(indexOptimize, { min_size_mb: 0 });
    const keys = steps.map(({ step }) => step.key).toSorted();
    expect(keys).toEqual(['public.idle_c', 'public.idle_pkey']);
    expect(steps.every(({ outcome }) => outcome.kind === 'done')).toBe(true);
    expect(effects.map(({ action }) => action)).toEqual(['reindex', 'reindex']);
    expect(await findIn(rig, 'index_bloat', 'idle_c', { min_size_mb: 0 })).toBeUndefined();
  });
});

describe.each([14, 18] as const)('INDEX_OPTIMIZE on PostgreSQL %i', (major) => {
  const reasonsOf = (run: Awaited<ReturnType<TargetRig['run']>>): Record<string, string> =>
    Object.fromEntries([
      ...(run.plan?.skipped ?? []).map(({ object, reason }) => [object, reason] as const),
      ...run.steps.flatMap(({ step, outcome }) => (outcome.kind === 'skipped' ? [[step.key, outcome.reason]] : [])),
    ]);

  it('keeps an index that is used on a standby alone, or was not watched for long enough on every node', async () => {
    await using rig = await setup(major);
    const standby: Standby = { name: 'b:5432/shop', read: () => Promise.reject(new Error('not looked at')) };
    const cases = [
      ['used', [usageOn('primary'), usageOn(standby.name, { scans: 1 })]],
      ['observation_too_short', [usageOn('primary', { days: 34 }), usageOn(standby.name)]],
      ['observation_too_short', [usageOn('primary'), usageOn(standby.name, { days: 1 })]],
      ['node_unseen', [usageOn('primary')]],
      ['node_unseen', [usageOn('primary'), usageOn(standby.name, { silentHours: 48 })]],
    ] as const;
    for (const [reason, nodes] of cases) {
      const context = await usageContext(rig, { idle_c: nodes }, [standby]);
      const { plan } = await rig.plan(
        indexOptimize,
        { ...drops, drop_redundant: false, drop_duplicate: false },
        { context },
      );
      expect(plan?.steps, reason).toEqual(
        expect.not.arrayContaining([expect.objectContaining({ key: 'public.idle_c' })]),
      );
      if (reason !== 'used') expect(plan?.skipped).toContainEqual({ object: 'public.idle_c', reason });
    }
    expect(await indexesOf(rig)).toEqual(all);
  });

  it('keeps an index that came to be used, or to be needed, after it was planned', async () => {
    await using rig = await setup(major);
    const wide = { wide_a: [usageOn('primary', { scans: 1 })], wide_a_b: [usageOn('primary', { scans: 1 })] };
    const context = await usageContext(rig, wide);
    const memory = { ...context.memory };
    const only = { ...drops, drop_redundant: false, drop_duplicate: false, schemas: ['public'] };
    const run = await rig.run(indexOptimize, only, {
      context: { ...context, memory },
      beforeSteps: async () => {
        const used = await usageContext(rig, { idle_c: [usageOn('primary', { scans: 1 })] });
        Object.assign(memory, used.memory);
      },
    });
    expect(reasonsOf(run)).toMatchObject({ 'public.idle_c': 'not_found_any_more' });
    const needed = await rig.run(
      indexOptimize,
      { ...drops, drop_unused: false, drop_duplicate: false },
      {
        context,
        beforeSteps: async () =>
          void (await rig.sql(
            'ALTER TABLE wide ALTER a SET NOT NULL; DROP INDEX wide_a; CREATE INDEX wide_a ON wide (a)',
          )),
      },
    );
    expect(reasonsOf(needed)).toMatchObject({ 'public.wide_a': 'replaced_since_planned' });
    const gone = await rig.run(
      indexOptimize,
      { ...drops, drop_unused: false, drop_duplicate: false },
      {
        context,
        beforeSteps: async () => void (await rig.sql('DROP INDEX wide_a')),
      },
    );
    expect(reasonsOf(gone)).toMatchObject({ 'public.wide_a': 'not_found_any_more' });
    expect(gone.rollbackPoints).toEqual([]);
  });

  it('never drops both halves of a pair, nor more than max_drops', async () => {
    await using rig = await setup(major);
    const context = await usageContext(rig);
    const both = await rig.run(indexOptimize, drops, { context });
    // wide_a_b is unused as well, but does the work of wide_a, which goes.
    expect(reasonsOf(both)).toMatchObject({ 'public.wide_a_b': 'does_the_work_of_another' });
    expect(await indexesOf(rig)).toEqual(['idle_pkey', 'twin 1', 'wide_a_b']);
    await rig.sql('CREATE INDEX wide_a ON wide (a); CREATE INDEX idle_c ON idle (c)');
    const one = await rig.run(indexOptimize, { ...drops, max_drops: 1 }, { context: await usageContext(rig) });
    expect(one.steps).toHaveLength(1);
    expect(Object.values(reasonsOf(one))).toContain('over_max_drops');
  });

  it('keeps an index without which a statement is planned worse, and leaves no trace of having tried', async () => {
    await using rig = await setup(major);
    const [session, other] = [await rig.connect(), await rig.connect()];
    for (const n of [1, 2, 3]) await session.query('SELECT id FROM idle WHERE c = $1', [`c${n}`]);
    const [before] = await rig.sql(`SELECT oid, relfilenode FROM pg_class WHERE relname = 'idle_c'`);
    const run = await rig.run(indexOptimize, { ...drops, schemas: ['public'] }, { context: await usageContext(rig) });
    const idle = run.steps.find(({ step }) => step.key === 'public.idle_c');
    expect(idle?.outcome).toMatchObject({
      kind: 'skipped',
      reason: 'rehearsal_worse',
      result: {
        worse: [
          {
            statement: 'SELECT id FROM idle WHERE c = $1',
            nodes_before: [expect.stringContaining('idle_c'), ...Array(0)],
            nodes_after: ['Seq Scan'],
          },
        ],
      },
    });
    expect(JSON.stringify(run)).not.toContain("'c1'");
    expect(
      await rig.sql(
        `SELECT oid, relfilenode FROM pg_class WHERE relname = 'idle_c' AND EXISTS (SELECT FROM pg_index WHERE indexrelid = pg_class.oid AND indisvalid)`,
      ),
    ).toEqual([before]);
    expect(run.rollbackPoints.map(({ object }) => object)).not.toContain('public.idle_c');
    await other.query(`SET lock_timeout = '1ms'`);
    await other.query('LOCK TABLE idle IN ACCESS EXCLUSIVE MODE NOWAIT').catch(() => undefined);
    expect(await rig.sql(`SELECT FROM pg_locks WHERE relation = 'idle'::regclass`)).toEqual([]);
  });

  it('stops for load, and for a role without the rights says what it lacks', async () => {
    await using rig = await setup(major);
    const context = await usageContext(rig);
    const duplicate = { ...drops, drop_unused: false, drop_redundant: false };
    const loaded = await rig.run(indexOptimize, duplicate, { context, breathe: () => 'overloaded' });
    expect(loaded.steps.map(({ outcome }) => outcome)).toMatchObject([{ kind: 'skipped', reason: 'load' }]);
    await rig.sql(`DROP ROLE IF EXISTS stranger_${major}`);
    await rig.sql(`CREATE ROLE stranger_${major} LOGIN PASSWORD 'postgres'`);
    await rig.sql(`GRANT USAGE ON SCHEMA "we""ird; --" TO stranger_${major}`);
    const { plan } = await rig.plan(indexOptimize, duplicate, { context, as: `stranger_${major}` });
    expect(plan).toMatchObject({
      steps: [],
      unknown: [
        {
          object: `"we""ird; --"."twin 2"`,
          reason: 'insufficient_privilege',
          grant: `GRANT CREATE ON SCHEMA "we""ird; --" TO stranger_${major}`,
        },
      ],
    });
    await rig.sql(`REVOKE USAGE ON SCHEMA "we""ird; --" FROM stranger_${major}`);
    await rig.sql(`DROP ROLE stranger_${major}`);
  });

  it('keeps an index whose table is locked, ending nobody', async () => {
    await using rig = await setup(major);
    const holder = await rig.connect();
    const run = await rig.run(
      indexOptimize,
      { ...drops, drop_unused: false, drop_duplicate: false },
      {
        context: await usageContext(rig),
        beforeSteps: async () => {
          await holder.query('BEGIN');
          await holder.query('SELECT count(*) FROM wide');
        },
      },
    );
    expect(run.steps[0]?.outcome).toMatchObject({
      kind: 'skipped',
      reason: 'locked',
      result: { blockers: [expect.objectContaining({ application_name: 'test' })] },
    });
    await expect(holder.query('COMMIT')).resolves.toBeDefined();
    expect(await indexesOf(rig)).toEqual(all);
  });
});
