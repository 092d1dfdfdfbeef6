import type { PlannedStep, StepOutcome } from '@slacktide/application/ports';
import type { CheckName } from '@slacktide/domain';
import { parse } from 'libpg-query';
import { describe, expect, inject, it } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { findIn } from '../../test/find-in.ts';
import { openRig, type RigOptions, type TargetRig } from '../../test/target-rig.ts';
import { leftoverCleanup } from './index.ts';
import type { LeftoverCleanupConfig } from './schema.ts';

const t = `"we""ird; --"."it's"`;

async function setup(major: PostgresMajor, more = ''): Promise<TargetRig> {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  await rig.sql(`
    CREATE SCHEMA "we""ird; --";
    CREATE TABLE ${t} (n int, m int, long text);
    INSERT INTO ${t} SELECT n / 2, n, repeat('x', 10) FROM generate_series(1, 1000) AS n;
    CREATE INDEX "lost; --" ON ${t} (n, m);
    CREATE INDEX "half; dropped" ON ${t} (m, n);
    CREATE INDEX rebuilt ON ${t} (m);
    CREATE TABLE other (n int);
    ${more}`);
  return rig;
}

/** What a person leaves behind who does it by hand, and fails. */
async function makeLeftovers(rig: TargetRig): Promise<void> {
  const reader = await rig.connect();
  const worker = await rig.connect();
  await worker.query(`SET lock_timeout = '100ms'`);
  const fails = (sql: string, why: string) => expect(worker.query(sql)).rejects.toThrow(why);
  await fails(`CREATE UNIQUE INDEX CONCURRENTLY "failed; --" ON ${t} (n)`, 'could not create unique index');
  await reader.query(`BEGIN; SELECT FROM ${t}`);
  await fails(`DROP INDEX CONCURRENTLY "we""ird; --"."lost; --"`, 'lock timeout');
  await reader.query('COMMIT; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM other');
  await fails(`REINDEX INDEX CONCURRENTLY "we""ird; --".rebuilt`, 'lock timeout');
  await reader.query('COMMIT');
  // The second wait of a drop cut short.
  await rig.sql(`UPDATE pg_index SET indisvalid = false, indisready = false, indislive = false
    WHERE indexrelid = '"we""ird; --"."half; dropped"'::regclass`);
  // Named as a working copy, and none.
  await rig.sql(`CREATE INDEX rebuilt_ccnew9 ON ${t} (long)`);
  // It was in use once: the counters of the server tell, and so a drop is what failed.
}

const clean = (rig: TargetRig, config: Partial<LeftoverCleanupConfig> = {}, options: RigOptions = {}) =>
  rig.run(leftoverCleanup, { confirm_seconds: 0, ...config }, options);

async function indexesOf(rig: TargetRig, table = t): Promise<string[]> {
  const rows = await rig.sql<{ name: string }>(
    `SELECT relname || CASE WHEN NOT indislive THEN ' dead' WHEN NOT indisvalid THEN ' invalid' ELSE '' END AS name
     FROM pg_index JOIN pg_class ON oid = indexrelid WHERE indrelid = $1::regclass ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => name);
}

const toldOf = (steps: readonly { step: PlannedStep; outcome: StepOutcome }[]) =>
  steps.map(({ step, outcome }) => [step.key, step.data['class'], step.data['work'], outcome.kind]);

async function everyStatementIsOneOf(kinds: readonly string[], steps: readonly PlannedStep[]): Promise<void> {
  for (const statement of steps.flatMap(({ statements }) => statements)) {
    const { stmts = [] } = await parse(statement);
    expect(stmts, statement).toHaveLength(1);
    expect(kinds, statement).toContain(Object.keys(stmts[0]?.stmt ?? {})[0]);
  }
}

describe.each(majors)('LEFTOVER_CLEANUP on PostgreSQL %i', (major) => {
  it('drops what builds left, finishes drops, and brings back what a drop lost: both checks find nothing more', async () => {
    await using rig = await setup(major);
    await makeLeftovers(rig);
    const before = [
      'failed; -- invalid',
      'half; dropped dead',
      'lost; -- invalid',
      'rebuilt',
      'rebuilt_ccnew invalid',
      'rebuilt_ccnew9',
    ];
    expect(await indexesOf(rig)).toEqual(before);
    const planned = async (check: LeftoverCleanupConfig['checks'][number]) =>
      (await rig.plan(leftoverCleanup, { confirm_seconds: 0, checks: [check] })).plan?.steps.map(({ key }) => key) ??
      [];
    expect(await planned('orphaned_index')).toEqual([`"we""ird; --".rebuilt_ccnew`]);
    expect((await planned('invalid_index')).toSorted()).toEqual([
      `"we""ird; --"."failed; --"`,
      `"we""ird; --"."half; dropped"`,
      `"we""ird; --"."lost; --"`,
    ]);
    const { plan, steps, effects, rollbackPoints } = await clean(rig);
    expect(toldOf(steps).toSorted()).toEqual([
      [`"we""ird; --"."failed; --"`, 'failed_create', 'drop', 'done'],
      [`"we""ird; --"."half; dropped"`, 'failed_drop', 'drop', 'done'],
      [`"we""ird; --"."lost; --"`, 'failed_drop_or_create', 'rebuild', 'done'],
      [`"we""ird; --".rebuilt_ccnew`, 'reindex_leftover', 'drop', 'done'],
    ]);
    expect(plan?.steps.at(-1)?.data['work']).toBe('rebuild');
    await everyStatementIsOneOf(['DropStmt', 'ReindexStmt'], plan?.steps ?? []);
    expect(await indexesOf(rig)).toEqual(['lost; --', 'rebuilt', 'rebuilt_ccnew9']);
    for (const check of ['invalid_index', 'orphaned_index'] as const satisfies CheckName[]) {
      expect(await findIn(rig, check, 'index:', { confirm_seconds: 0 }), check).toBeUndefined();
    }
    expect(effects.map(({ action, object }) => [action, object]).toSorted()).toEqual([
      ['drop_index', `"we""ird; --"."failed; --"`],
      ['drop_index', `"we""ird; --"."half; dropped"`],
      ['drop_index', `"we""ird; --".rebuilt_ccnew`],
      ['reindex', `"we""ird; --"."lost; --"`],
    ]);
    // Nothing is lost with a working copy; the rest can be had back as it was meant.
    expect(rollbackPoints.map(({ state, statements }) => [state, ...statements]).toSorted()).toEqual([
      ['armed', `CREATE INDEX CONCURRENTLY "half; dropped" ON ${t} USING btree (m, n)`],
      ['armed', `CREATE UNIQUE INDEX CONCURRENTLY "failed; --" ON ${t} USING btree (n)`],
    ]);
    expect(leftoverCleanup.summarise?.(steps)).toMatchObject({ dropped: 3, rebuilt: 1, completed: 0 });
    expect((await clean(rig)).plan).toMatchObject({ steps: [], checked: 4, skipped: [], unknown: [] });
  });

  it('touches nothing that somebody works on, and puts off what is in the way of others', async () => {
    await using rig = await setup(major);
    const reader = await rig.connect();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM other');
    const worker = await rig.connect();
    const building = worker.query(`CREATE INDEX CONCURRENTLY building ON ${t} (long)`);
    await expect.poll(() => indexesOf(rig)).toContain('building invalid');
    expect((await clean(rig)).plan).toMatchObject({
      steps: [],
      skipped: expect.arrayContaining([{ object: `we"ird; --.building`, reason: 'in_progress' }]),
    });
    await reader.query('COMMIT');
    await building;
    expect(await indexesOf(rig)).toContain('building');
  });
});

describe.each([14, 18] as const)('LEFTOVER_CLEANUP on PostgreSQL %i', (major) => {
  it('finishes the drop instead, when asked, and drops what another index replaces', async () => {
    await using rig = await setup(major, `CREATE INDEX twin ON ${t} (m, n)`);
    await makeLeftovers(rig);
    await rig.sql(
      `UPDATE pg_index SET indislive = true, indisready = true WHERE indexrelid = '"we""ird; --"."half; dropped"'::regclass`,
    );
    const kept = await clean(rig, { indexes: [`"we""ird; --"."half; dropped"`] });
    // Its twin stays, so that nothing is lost.
    expect(toldOf(kept.steps)).toEqual([[`"we""ird; --"."half; dropped"`, 'failed_drop_or_create', 'drop', 'done']]);
    const { steps, rollbackPoints } = await clean(rig, { repair: 'drop', indexes: [`"we""ird; --"."lost; --"`] });
    expect(toldOf(steps)).toEqual([[`"we""ird; --"."lost; --"`, 'failed_drop_or_create', 'drop', 'done']]);
    expect(await indexesOf(rig)).not.toContain('lost; -- invalid');
    for (const statement of rollbackPoints[0]?.statements ?? []) await rig.sql(statement);
    expect(await indexesOf(rig)).toContain('lost; --');
  });

  it('takes on what is named only, and says of what is no leftover that it is none', async () => {
    await using rig = await setup(major);
    await makeLeftovers(rig);
    const { plan, steps } = await clean(rig, { indexes: [`"we""ird; --"."failed; --"`, 'rebuilt_ccnew9'] });
    expect(toldOf(steps)).toEqual([[`"we""ird; --"."failed; --"`, 'failed_create', 'drop', 'done']]);
    expect(plan?.skipped).toEqual([{ object: `we"ird; --.rebuilt_ccnew9`, reason: 'not_a_leftover' }]);
    expect(await indexesOf(rig)).toContain('rebuilt_ccnew9');
    expect((await rig.plan(leftoverCleanup, { indexes: ['nowhere'] })).problems).toMatchObject([
      { pointer: '/indexes/0', code: 'unknown_index' },
    ]);
    const first = await clean(rig, { max_indexes: 1 });
    expect(first.steps).toHaveLength(1);
    expect(first.plan?.skipped.filter(({ reason }) => reason === 'over_max_indexes')).toHaveLength(2);
  });

  it('completes a partitioned index only when asked', async () => {
    await using rig = await setup(
      major,
      `CREATE TABLE parted (id int, n int) PARTITION BY RANGE (id);
       CREATE TABLE p1 PARTITION OF parted FOR VALUES FROM (0) TO (10);
       CREATE TABLE "p; 2" PARTITION OF parted FOR VALUES FROM (10) TO (20);
       CREATE INDEX whole ON ONLY parted (n);
       CREATE INDEX mine ON p1 (n)`,
    );
    expect((await clean(rig)).plan).toMatchObject({
      steps: [],
      skipped: [{ object: 'public.whole', reason: 'incomplete_partitioned' }],
    });
    const { plan, steps } = await clean(rig, { complete_partitioned: true });
    expect(plan?.steps.map(({ statements }) => statements.toSorted())).toEqual([
      [
        `ALTER INDEX public.whole ATTACH PARTITION public."p; 2_whole_idx"`,
        'ALTER INDEX public.whole ATTACH PARTITION public.mine',
        `CREATE INDEX CONCURRENTLY "p; 2_whole_idx" ON public."p; 2" USING btree (n)`,
      ],
    ]);
    await everyStatementIsOneOf(['IndexStmt', 'AlterTableStmt'], plan?.steps ?? []);
    expect(steps).toMatchObject([{ outcome: { kind: 'done', result: { work: 'complete', complete: true } } }]);
    expect(await indexesOf(rig, 'parted')).toEqual(['whole']);
    expect(await findIn(rig, 'invalid_index', 'whole', { confirm_seconds: 0 })).toBeUndefined();
  });

  it('drops leftovers on TOAST tables, and leaves what only a blocking rebuild cures', async () => {
    await using rig = await setup(
      major,
      `CREATE EXTENSION btree_gist; CREATE TABLE booked (room int, CONSTRAINT once EXCLUDE USING gist (room WITH =))`,
    );
    const reader = await rig.connect();
    const worker = await rig.connect();
    await worker.query(`SET lock_timeout = '100ms'`);
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM other');
    const [toast] = await rig.sql<{ name: string }>(
      `SELECT x.relname::text AS name FROM pg_class c JOIN pg_index i ON i.indrelid = c.reltoastrelid JOIN pg_class x ON x.oid = i.indexrelid
       WHERE c.oid = $1::regclass`,
      [t],
    );
    await expect(worker.query(`REINDEX INDEX CONCURRENTLY pg_toast.${toast?.name}`)).rejects.toThrow('lock timeout');
    await reader.query('COMMIT');
    await rig.sql(`UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'once'::regclass`);
    const { plan, steps } = await clean(rig);
    expect(toldOf(steps)).toEqual([[`pg_toast.${toast?.name}_ccnew`, 'reindex_leftover', 'drop', 'done']]);
    expect(plan?.skipped).toEqual([{ object: 'public.once', reason: 'needs_a_blocking_reindex' }]);
  });

  it('looks again before it acts, at the gate as well', async () => {
    await using rig = await setup(major);
    await makeLeftovers(rig);
    const reasons = async (sql: string, config: Partial<LeftoverCleanupConfig>) => {
      const { steps } = await clean(rig, config, { beforeSteps: async () => void (await rig.sql(sql)) });
      return steps.map(({ outcome }) => (outcome.kind === 'skipped' ? outcome.reason : outcome.kind));
    };
    expect(await reasons(`DROP INDEX "we""ird; --"."failed; --"`, { indexes: [`"we""ird; --"."failed; --"`] })).toEqual(
      ['gone'],
    );
    expect(
      await reasons(`ALTER INDEX "we""ird; --".rebuilt_ccnew RENAME TO renamed`, { indexes: ['rebuilt_ccnew'] }),
    ).toEqual(['replaced_since_planned']);
    const lost = `"we""ird; --"."lost; --"`;
    // While we wait at the gate, somebody repairs it by hand: what is valid is never dropped.
    const reader = await rig.connect();
    await reader.query(`BEGIN; SELECT FROM ${t}`);
    const worker = await rig.connect();
    let repaired: Promise<unknown> | undefined;
    const { steps } = await clean(
      rig,
      { indexes: [lost], repair: 'drop' },
      {
        onProgress: ({ phase }) => {
          if (phase !== 'waiting for older transactions') return;
          repaired ??= (async () => {
            await worker.query(`UPDATE pg_index SET indisvalid = true WHERE indexrelid = '${lost}'::regclass`);
            await reader.query('COMMIT');
          })();
        },
      },
    );
    await repaired;
    expect(steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'changed', result: { reason: 'valid_now' } } }]);
    expect(await indexesOf(rig)).toContain('lost; --');
  });

  it('leaves what was unusable before as it was, when its drop is cut short', async () => {
    await using rig = await setup(major);
    await makeLeftovers(rig);
    const reader = await rig.connect();
    await reader.query(`BEGIN; SELECT FROM ${t}`);
    const { steps, rollbackPoints, remnants } = await clean(rig, {
      indexes: [`"we""ird; --"."failed; --"`],
      gate: 'go',
      lock_timeout_seconds: 1,
    });
    expect(steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'lock_timeout', detail: { rebuilt: [], dropped: [], left: [] } } } },
    ]);
    expect(rollbackPoints).toMatchObject([{ state: 'void' }]);
    expect(remnants).toMatchObject([{ outcome: 'absent' }]);
    expect(await indexesOf(rig)).toContain('failed; -- invalid');
    await reader.query('COMMIT');
    expect(toldOf((await clean(rig, { indexes: [`"we""ird; --"."failed; --"`] })).steps)).toMatchObject([
      [expect.any(String), 'failed_create', 'drop', 'done'],
    ]);
  });

  it('tells the right it lacks, and works with it', async () => {
    await using rig = await setup(major);
    const role = `cleaner_${Math.random().toString(36).slice(2, 10)}`;
    await rig.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'postgres'; CREATE ROLE ${role}_owner; ALTER TABLE ${t} OWNER TO ${role}_owner;
      GRANT pg_monitor TO ${role}`);
    await makeLeftovers(rig);
    try {
      const { plan, steps } = await clean(rig, {}, { as: role });
      expect(steps).toEqual([]);
      const grants = [...new Set(plan?.unknown.flatMap(({ grant }) => grant ?? []))];
      expect(plan?.unknown).toHaveLength(4);
      const named = await clean(rig, { indexes: ['rebuilt_ccnew'] }, { as: role });
      expect(named.steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'insufficient_privilege' } } }]);
      for (const grant of grants.flatMap((each) =>
        each.split('; GRANT').map((part, i) => (i === 0 ? part : `GRANT${part}`)),
      ))
        await rig.sql(grant);
      const allowed = await clean(rig, {}, { as: role });
      expect(allowed.plan).toMatchObject({ unknown: [], skipped: [] });
      expect(allowed.steps.map(({ outcome }) => outcome.kind)).toEqual(['done', 'done', 'done', 'done']);
    } finally {
      await rig.sql(`DROP OWNED BY ${role}, ${role}_owner CASCADE; DROP ROLE ${role}, ${role}_owner`);
    }
  });
});
