import type { Effect, LookContext, RollbackPoint } from '@slacktide/application/ports';
import type { CheckName, JsonObject } from '@slacktide/domain';
import { parse } from 'libpg-query';
import { describe, expect, inject, it } from 'vitest';
import { noContext } from '../../../test/support/no-context.ts';
import { createDatabase } from '../../../test/support/postgres.ts';
import { findIn } from '../test/find-in.ts';
import { openRig, type RigRun, type TargetRig } from '../test/target-rig.ts';
import { findingAction } from './finding-action/index.ts';
import { rollback } from './rollback/index.ts';

/** One thing to find of each kind, each on tables of its own. */
const fixture = `
CREATE EXTENSION pgstattuple;
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA "we""ird; --";
CREATE TABLE "we""ird; --"."it's" (a text, b int);
CREATE INDEX "short; --" ON "we""ird; --"."it's" (lower(a)) WITH (fillfactor = 60);
ALTER INDEX "we""ird; --"."short; --" ALTER COLUMN 1 SET STATISTICS 50;
COMMENT ON INDEX "we""ird; --"."short; --" IS 'it''s kept; --';
CREATE INDEX long ON "we""ird; --"."it's" (lower(a), b);
CREATE TABLE whole (id int, a int, b int) PARTITION BY LIST (id);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE whole_2 PARTITION OF whole FOR VALUES IN (2);
CREATE INDEX whole_a ON whole (a);
COMMENT ON INDEX whole_a IS 'the whole';
COMMENT ON INDEX whole_1_a_idx IS 'a part';
CREATE INDEX whole_a_b ON whole (a, b);
CREATE TABLE "Ref" (id int PRIMARY KEY);
CREATE TABLE plain (id int, ref int CONSTRAINT plain_fk REFERENCES "Ref");
CREATE TABLE parted (id int, ref int CONSTRAINT parted_fk REFERENCES "Ref") PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE "parted "" 2" PARTITION OF parted FOR VALUES IN (2);
CREATE TABLE bloated (id int) WITH (autovacuum_enabled = off);
INSERT INTO bloated SELECT generate_series(1, 50000);
CREATE INDEX bloated_id ON bloated (id);
DELETE FROM bloated WHERE id % 50 > 0;
CREATE TABLE doubtful (id int);
ALTER TABLE doubtful ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
CREATE SCHEMA closed;
CREATE FUNCTION closed.risky() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
GRANT USAGE ON SCHEMA closed TO PUBLIC;
CREATE SCHEMA opened;
GRANT CREATE, USAGE ON SCHEMA opened TO PUBLIC;
CREATE MATERIALIZED VIEW unpopulated AS SELECT 1 AS one WITH NO DATA`;

const configs: Readonly<Partial<Record<CheckName, JsonObject>>> = {
  missing_fk_index: { min_rows: 0 },
  index_bloat: { min_size_mb: 0 },
};
const jobId = '01a2013a-7cce-7c3f-87e0-7dfe651239cd';

async function setup(major: 14 | 18) {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(fixture);
  await rig.sql('VACUUM bloated');
  return rig;
}

const find = (rig: TargetRig, check: CheckName, has: string) => findIn(rig, check, has, configs[check]);

/** Shows the plan of what a check found, then does it. */
async function apply(rig: TargetRig, check: CheckName, has: string, changes: JsonObject = {}): Promise<RigRun> {
  const config = { ...(await find(rig, check, has)), ...changes };
  expect(config, `${check} ${has}`).toHaveProperty('finding_id');
  const { plan } = await rig.plan(findingAction, config);
  const ran = await rig.run(findingAction, { ...config, plan_id: String(plan?.steps[0]?.data['plan_id']) });
  expect(ran.problems).toEqual([]);
  return ran;
}

/** The points of a run as the ledger would have them, the newest first. */
function remembering({ rollbackPoints }: RigRun): LookContext {
  const points = rollbackPoints.map(
    (point, position): RollbackPoint => ({
      ...point,
      ...{
        id: `7f9c24e8-3b12-4fef-91e0-${String(position).padStart(12, '0')}`,
        targetId: 'shop',
        jobId,
        taskId: jobId,
      },
      ...{ createdAt: new Date(), usedByJobId: null },
    }),
  );
  return { ...noContext, memory: { ...noContext.memory, rollbackPoints: async () => points.toReversed() } };
}

/** Takes back what a run did, as POST /jobs/{id}/rollback has it done. */
async function takeBack(rig: TargetRig, ran: RigRun): Promise<RigRun> {
  const context = remembering(ran);
  const { plan } = await rig.plan(rollback, { job_id: jobId }, { context });
  for (const statement of plan?.steps.flatMap(({ statements }) => statements) ?? []) {
    expect((await parse(statement)).stmts, statement).toHaveLength(1);
  }
  const back = await rig.run(rollback, { job_id: jobId }, { context });
  expect(back.steps.map(({ outcome }) => outcome)).toEqual(
    back.steps.map(() => expect.objectContaining({ kind: 'done' })),
  );
  // What is as it was is not made again.
  const again = await rig.plan(rollback, { job_id: jobId }, { context });
  const steps = again.plan?.steps.flatMap(({ statements }) => statements) ?? [];
  expect(steps.filter((statement) => / INDEX /.test(statement))).toEqual([]);
  return back;
}

/** All that is said of every index, and of what else the actions change. */
const stateOf = (rig: TargetRig) =>
  rig.sql(
    `SELECT pg_get_indexdef(c.oid) AS is, obj_description(c.oid) AS comment, indisvalid AS valid, h.inhparent::regclass::text AS parent,
      (SELECT array_agg(attstattarget ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid) AS targets
     FROM pg_index JOIN pg_class c ON c.oid = indexrelid LEFT JOIN pg_inherits h ON h.inhrelid = c.oid WHERE c.oid >= 16384 AND c.relname !~ '^pg_toast'
     UNION ALL SELECT proname::text, NULL, NULL, NULL, NULL FROM pg_proc WHERE proname = 'risky' AND proconfig IS NULL
     UNION ALL SELECT relname::text, NULL, relispopulated, NULL, NULL FROM pg_class WHERE relkind = 'm'
     UNION ALL SELECT nspname::text, NULL, has_schema_privilege('pg_monitor', oid, 'CREATE'), NULL, NULL FROM pg_namespace WHERE nspname = 'opened'
     ORDER BY 1`,
  );

const brief = (effects: readonly Effect[]) => effects.map(({ action, object }) => [action, object]);

const short = `"we""ird; --"."short; --"`;

/** The check, what its finding's fingerprint has in it, the rollback points that are left, and the effects. */
type Case = readonly [CheckName, string, readonly string[], readonly (readonly string[])[]];
const cases: Readonly<Record<string, readonly Case[]>> = {
  'dropped indexes, plain and partitioned': [
    ['redundant_index', 'short; --', [short], [['drop_index', short]]],
    ['redundant_index', 'public.whole_a', ['public.whole_a'], [['drop_index', 'public.whole_a']]],
  ],
  'created indexes, plain and partitioned': [
    ['missing_fk_index', 'plain_fk', ['public.plain_ref_idx'], [['create_index', 'public.plain_ref_idx']]],
    [
      'missing_fk_index',
      'parted_fk',
      ['public.parted_ref_idx'],
      [
        ['create_index', 'public.parted_ref_idx'],
        ['create_index', 'public."parted "" 2_ref_idx"'],
        ['create_index', 'public.parted_1_ref_idx'],
      ],
    ],
  ],
  'settings, grants and contents': [
    ['matview_index', 'unpopulated_matview', ['public.unpopulated'], [['refresh', 'public.unpopulated']]],
    ['security', 'risky', [expect.stringContaining('risky')], []],
    ['security', 'opened', [expect.stringContaining('opened')], []],
  ],
};

describe.each([14, 18] as const)('what FINDING_ACTION did, on PostgreSQL %i', (major) => {
  it.each(Object.entries(cases))('is taken back by ROLLBACK: %s', async (_, found) => {
    await using rig = await setup(major);
    const before = await stateOf(rig);
    for (const [check, has, objects, effects] of found) {
      const ran = await apply(rig, check, has);
      expect(ran.steps, has).toMatchObject([{ outcome: { kind: 'done', result: { rollback_points: objects } } }]);
      expect(ran.rollbackPoints.filter(({ state }) => state === 'armed').map(({ object }) => object)).toEqual(objects);
      expect(ran.rollbackPoints.filter(({ state }) => state === 'prepared')).toEqual([]);
      expect(brief(ran.effects), has).toEqual(effects);
      expect(await stateOf(rig), has).not.toEqual(before);
      await takeBack(rig, ran);
      expect(await stateOf(rig), has).toEqual(before);
      await expect.poll(() => find(rig, check, has)).toBeDefined();
    }
  });

  it('is told as an effect with sizes before and after, and why there is no way back', async () => {
    await using rig = await setup(major);
    const rebuilt = await apply(rig, 'index_bloat', 'bloated_id');
    expect(rebuilt.rollbackPoints).toEqual([]);
    expect(rebuilt.steps).toMatchObject([
      { outcome: { result: { rollback_points: [], no_rollback_because: expect.stringContaining('in a new file') } } },
    ]);
    expect(rebuilt.effects).toMatchObject([
      {
        action: 'reindex',
        object: 'public.bloated_id',
        objectKind: 'index',
        sizeBeforeBytes: expect.any(Number),
        sizeAfterBytes: expect.any(Number),
        wasteBeforePercent: expect.closeTo(95, -1),
        detail: {
          table: 'public.bloated',
          fillfactor: 90,
          because: expect.stringContaining('bloated_id'),
          statements: expect.any(Array),
        },
      },
    ]);
    const [{ sizeBeforeBytes = null, sizeAfterBytes = null } = {}] = rebuilt.effects;
    expect(sizeAfterBytes).toBeLessThan((sizeBeforeBytes ?? 0) / 4);

    const validated = await apply(rig, 'invalid_constraint', 'positive');
    expect(validated.rollbackPoints).toEqual([]);
    expect(brief(validated.effects)).toEqual([['validate', 'public.doubtful']]);
    expect(validated.steps).toMatchObject([
      {
        outcome: { result: { no_rollback_because: expect.stringMatching(/^a validated constraint holds as it did/) } },
      },
    ]);

    const dropped = await apply(rig, 'redundant_index', 'short; --');
    expect(dropped.effects).toMatchObject([
      {
        sizeBeforeBytes: expect.any(Number),
        sizeAfterBytes: 0,
        detail: { definition: expect.stringContaining('lower(a)'), table: `"we""ird; --"."it's"` },
      },
    ]);
    const back = await takeBack(rig, dropped);
    expect(back.effects).toMatchObject([{ action: 'create_index', detail: { rollback_point_id: expect.any(String) } }]);
  });

  it('is taken back as far as it came, and nothing of others', async () => {
    await using rig = await setup(major);
    const before = await stateOf(rig);
    const writer = await rig.connect();
    await writer.query('BEGIN; INSERT INTO parted_1 VALUES (1, NULL)');
    const ran = await apply(rig, 'missing_fk_index', 'parted_fk', { gate_timeout_seconds: 0 });
    expect(ran.steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'blocked' } } }]);
    expect(ran.rollbackPoints.map(({ object, state }) => [object, state])).toEqual([
      ['public.parted_ref_idx', 'armed'],
      ['public."parted "" 2_ref_idx"', 'armed'],
      ['public.parted_1_ref_idx', 'void'],
    ]);
    // Somebody makes an index of the name that was not made.
    await writer.query('COMMIT; CREATE INDEX parted_1_ref_idx ON parted_1 (ref)');
    const back = await takeBack(rig, ran);
    expect(brief(back.effects)).toEqual([
      ['drop_index', 'public."parted "" 2_ref_idx"'],
      ['drop_index', 'public.parted_ref_idx'],
    ]);
    const names = (await stateOf(rig)).map((row) => Object.values(row)[0]);
    expect(names).toContain('CREATE INDEX parted_1_ref_idx ON public.parted_1 USING btree (ref)');
    expect(names).toHaveLength(before.length + 1);
  });
});
