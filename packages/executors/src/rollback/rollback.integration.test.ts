import { readRestorable } from '@slacktide/acting';
import type { LookContext, RollbackPoint, TargetReader } from '@slacktide/application/ports';
import { parse } from 'libpg-query';
import { describe, expect, inject, it } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { rollback } from './index.ts';

const fixture = `
CREATE EXTENSION pg_stat_statements;
CREATE SCHEMA "we""ird; --";
CREATE TABLE "we""ird; --"."it's" (a int, b text);
CREATE INDEX "gone; --" ON "we""ird; --"."it's" (a) WITH (fillfactor = 60) WHERE b <> ' WHERE ';
CREATE TABLE plain (a int, b text);
CREATE STATISTICS plain_statistics ON lower(b) FROM plain;
CREATE INDEX plain_lower ON plain (lower(b), a);
ALTER INDEX plain_lower ALTER COLUMN 1 SET STATISTICS 50;
COMMENT ON INDEX plain_lower IS 'it''s kept; --';
INSERT INTO plain SELECT n, 'B' || n FROM generate_series(1, 500) AS n;
ANALYZE;
SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)`;
const jobId = '01a2013a-7cce-7c3f-87e0-7dfe651239cd';
const gone = `"we""ird; --"."gone; --"`;

async function setup(major: PostgresMajor) {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(fixture);
  return rig;
}

const stateOf = (rig: TargetRig) =>
  rig.sql(
    `SELECT pg_get_indexdef(c.oid) AS definition, obj_description(c.oid) AS comment, indisvalid AS valid,
      (SELECT array_agg(attstattarget ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid) AS targets,
      EXISTS (SELECT FROM pg_statistic WHERE starelid = c.oid) AS analyzed
     FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE c.relname IN ('gone; --', 'plain_lower') ORDER BY 1`,
  );

/** Drops both; the rollback points as the ledger would have them, the newest first. */
async function drop(rig: TargetRig): Promise<RollbackPoint[]> {
  const client = await rig.connect();
  await client.query(`SET search_path = ''`);
  const query = async (sql: string, parameters: readonly unknown[] = []) =>
    (await client.query(sql, [...parameters])).rows;
  const points: RollbackPoint[] = [];
  for (const [position, object] of ['public.plain_lower', gone].entries()) {
    const there = await readRestorable({ query } as unknown as TargetReader, object);
    if (there === undefined) throw new Error(`there is no index ${object}`);
    await client.query(`DROP INDEX ${object}`);
    points.push({
      ...{ id: `7f9c24e8-3b12-4fef-91e0-00000000000${position}`, targetId: 'shop', jobId, taskId: jobId, object },
      ...{ summary: `index ${object}`, state: 'armed', createdAt: new Date(), usedByJobId: null },
      statements: [...there.statements, ...(there.analyze === null ? [] : [there.analyze])],
    });
  }
  await client.end();
  return points.toReversed();
}

const remembering = (points: readonly RollbackPoint[]): LookContext => ({
  ...noContext,
  memory: { ...noContext.memory, rollbackPoints: async () => points },
});

describe.each(majors)('ROLLBACK on PostgreSQL %i', (major) => {
  it('makes dropped indexes again, byte for byte, the newest first, and marks their points', async () => {
    await using rig = await setup(major);
    const before = await stateOf(rig);
    const points = await drop(rig);
    expect(await stateOf(rig)).toEqual([]);
    const context = remembering(points);
    const { plan } = await rig.plan(rollback, { job_id: jobId }, { context });
    for (const statement of plan?.steps.flatMap(({ statements }) => statements) ?? []) {
      expect((await parse(statement)).stmts, statement).toHaveLength(1);
    }
    const { steps, usedRollbacks, effects, remnants } = await rig.run(rollback, { job_id: jobId }, { context });
    expect(steps.map(({ step, outcome }) => [step.key, outcome.kind])).toEqual([
      [gone, 'done'],
      ['public.plain_lower', 'done'],
    ]);
    expect(await stateOf(rig)).toEqual(before);
    expect(usedRollbacks).toEqual(points.map(({ id }) => id));
    expect(effects.map(({ action, object }) => [action, object])).toEqual([
      ['create_index', gone],
      ['create_index', 'public.plain_lower'],
    ]);
    expect(remnants.map(({ outcome }) => outcome)).toEqual(['absent', 'absent']);
  });
});

describe.each([14, 18] as const)('ROLLBACK on PostgreSQL %i', (major) => {
  it('does only what is left to do', async () => {
    await using rig = await setup(major);
    const before = await stateOf(rig);
    const points = await drop(rig);
    const [weird, plain] = points;
    await rig.sql(weird?.statements[0]?.replace(' CONCURRENTLY', '') ?? '');
    await rig.sql(plain?.statements[0]?.replace(' CONCURRENTLY', '') ?? '');
    const { plan, steps } = await rig.run(rollback, { job_id: jobId }, { context: remembering(points) });
    expect(plan?.skipped).toEqual([{ object: gone, reason: 'already_there' }]);
    expect(steps.map(({ step, outcome }) => [step.statements, outcome.kind])).toEqual([
      [
        [
          'ALTER INDEX public.plain_lower ALTER COLUMN 1 SET STATISTICS 50',
          `COMMENT ON INDEX public.plain_lower IS 'it''s kept; --'`,
          'ANALYZE public.plain',
        ],
        'done',
      ],
    ]);
    expect(await stateOf(rig)).toEqual(before);
  });

  it('touches nothing that took the name, was taken back before, or was never done', async () => {
    await using rig = await setup(major);
    const [weird, plain] = await drop(rig);
    if (weird === undefined || plain === undefined) throw new Error('expected two points');
    await rig.sql('CREATE INDEX plain_lower ON plain (a)');
    const points = [
      { ...weird, state: 'used' as const, usedByJobId: jobId },
      plain,
      { ...weird, id: jobId, state: 'void' as const },
    ];
    const { plan } = await rig.run(rollback, { job_id: jobId }, { context: remembering(points) });
    expect(plan).toMatchObject({
      steps: [],
      skipped: [
        { object: gone, reason: 'taken_back_before' },
        { object: 'public.plain_lower', reason: 'name_taken' },
        { object: gone, reason: 'nothing_was_done' },
      ],
    });
  });

  it('takes back the points it was told, and refuses those the job does not have', async () => {
    await using rig = await setup(major);
    const points = await drop(rig);
    const context = remembering(points);
    const { usedRollbacks } = await rig.run(rollback, { job_id: jobId, points: [points[1]?.id ?? ''] }, { context });
    expect(usedRollbacks).toEqual([points[1]?.id]);
    expect(await stateOf(rig)).toMatchObject([{ comment: `it's kept; --` }]);
    const unknown = await rig.plan(rollback, { job_id: jobId, points: [jobId] }, { context });
    expect(unknown.problems).toMatchObject([{ pointer: '/points/0', code: 'unknown_rollback_point' }]);
    const nothing = await rig.plan(rollback, { job_id: jobId }, { context: remembering([]) });
    expect(nothing.problems).toMatchObject([{ pointer: '/job_id', code: 'nothing_to_take_back' }]);
  });

  it('fails, and leaves nothing invalid, when it is kept from it', async () => {
    await using rig = await setup(major);
    const points = await drop(rig);
    const writer = await rig.connect();
    await writer.query('BEGIN; INSERT INTO plain VALUES (1)');
    const config = { job_id: jobId, points: [points[1]?.id ?? ''], gate: 'skip' as const };
    const { steps, usedRollbacks } = await rig.run(rollback, config, { context: remembering(points) });
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([{ kind: 'failed', error: { code: 'blocked' } }]);
    expect(usedRollbacks).toEqual([]);
    expect(await stateOf(rig)).toEqual([]);
    await writer.query('COMMIT');
  });

  it('does what other points say, with short waits for the lock', async () => {
    await using rig = await setup(major);
    const point = (statements: readonly string[]): RollbackPoint => ({
      ...{ id: jobId, targetId: 'shop', jobId, taskId: jobId, object: 'public.plain', summary: 'x', statements },
      ...{ state: 'armed', createdAt: new Date(), usedByJobId: null },
    });
    const points = [point(['DROP INDEX CONCURRENTLY public.plain_lower', 'ALTER TABLE public.plain ADD COLUMN c int'])];
    const { steps, usedRollbacks } = await rig.run(rollback, { job_id: jobId }, { context: remembering(points) });
    expect(steps.map(({ step, outcome }) => [step.lockMode, outcome.kind])).toEqual([['ACCESS EXCLUSIVE', 'done']]);
    expect(usedRollbacks).toEqual([jobId]);
    expect(await rig.sql(`SELECT c FROM plain LIMIT 1`)).toEqual([{ c: null }]);
    expect(await stateOf(rig)).toHaveLength(1);
  });
});
