import type { PlannedStep } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { describe, expect, it, onTestFinished } from 'vitest';
import { majors } from '../../../../test/support/postgres.ts';
import { runExecutor } from '../../../../test/support/run-executor.ts';
import { type FreshTarget, freshTarget } from '../../../../test/support/target.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { indexRebuild } from './index.ts';

/** 100 000 rows of which every tenth is left: the primary key keeps its 2 MiB for a tenth of the rows. */
const bloated = `
  CREATE TABLE public.orders (id int PRIMARY KEY, kind int);
  INSERT INTO public.orders SELECT n, n % 7 FROM generate_series(1, 100000) AS n;
  CREATE INDEX orders_kind ON public.orders (kind);
  DELETE FROM public.orders WHERE id % 10 <> 0`;

async function setup(major: (typeof majors)[number], { pgstattuple = true } = {}) {
  const target = await freshTarget(major);
  if (pgstattuple) await target.admin.query(`CREATE EXTENSION pgstattuple`);
  if (pgstattuple) await target.admin.query(`GRANT pg_stat_scan_tables TO ${target.role}`);
  return target;
}

const rebuild = (target: FreshTarget, config: JsonObject) => runExecutor(target, indexRebuild, config);

async function stateOf({ owner }: FreshTarget, name: string) {
  const { rows } = await owner.query(
    `SELECT pg_relation_filenode(c.oid)::int AS file, pg_relation_size(c.oid)::int AS size, i.indisvalid AS valid,
     pg_get_indexdef(c.oid) AS definition
     FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE c.oid = $1::regclass`,
    [name],
  );
  return rows[0] as { file: number; size: number; valid: boolean; definition: string };
}

async function indexesOf({ owner }: FreshTarget): Promise<string[]> {
  const { rows } = await owner.query(
    `SELECT c.relname::text AS name FROM pg_class c WHERE c.relkind = 'i' AND c.relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

const keys = ({ steps }: { steps: readonly PlannedStep[] }) => steps.map(({ key }) => key);

describe.each(majors)('INDEX_REBUILD on PostgreSQL %i', (major) => {
  it('finds the bloated index, makes it small in a new file, and proves it', async () => {
    const target = await setup(major);
    await target.owner.query(bloated);
    await vacuumAway(target.owner, 'public.orders');
    const before = await stateOf(target, 'public.orders_pkey');
    const done = await rebuild(target, { min_size_mb: 0.5 });
    // The other index shares entries of equal values: its size says nothing, only measuring does.
    expect(keys(done)).toContain('public.orders_pkey');
    expect(done).toMatchObject({ checked: 2, skipped: [], unknown: [] });
    const after = await stateOf(target, 'public.orders_pkey');
    expect(after).toMatchObject({ valid: true, definition: before.definition });
    expect(after.file).not.toBe(before.file);
    expect(after.size).toBeLessThan(before.size / 4);
    const outcome = done.outcomes[keys(done).indexOf('public.orders_pkey')];
    expect(outcome).toEqual({
      kind: 'done',
      result: {
        size_before_bytes: before.size,
        size_after_bytes: after.size,
        bytes_freed: before.size - after.size,
        waste_percent_before: expect.closeTo(90, 0),
        waste_percent_after: expect.toSatisfy((percent) => percent < 10),
        relfilenode_before: before.file,
        relfilenode_after: after.file,
        duration_ms: expect.any(Number),
        gate: { gate: 'wait', waited_ms: expect.any(Number), blockers: [] },
      },
    });
    expect(done.effects).toContainEqual({
      action: 'reindex',
      object: 'public.orders_pkey',
      objectKind: 'index',
      durationMs: expect.any(Number),
      sizeBeforeBytes: before.size,
      sizeAfterBytes: after.size,
      wasteBeforePercent: expect.closeTo(90, 0),
      wasteAfterPercent: expect.toSatisfy((percent) => percent < 10),
      detail: { table: 'public.orders', rows: 10_000, fillfactor: 90, threshold_percent: 40 },
    });
    expect(done.samples).toContainEqual({
      metric: 'index_rebuild',
      object: 'public.orders_pkey',
      values: expect.objectContaining({ size_bytes: after.size, rows: 10_000 }),
    });
    expect(await indexesOf(target)).toEqual(['orders_kind', 'orders_pkey']);
    // Nothing left to do, and that is known.
    expect(await rebuild(target, { min_size_mb: 0 })).toMatchObject({ steps: [], checked: 2, unknown: [] });
  });

  it('rebuilds what is named, whatever its bloat: indexes, and all of a table, leaves for the partitioned', async () => {
    const target = await setup(major, { pgstattuple: false });
    await target.owner.query(`
      CREATE TABLE public."we""ird; --" (n int, tags int[]);
      CREATE INDEX "i""x; drop table x" ON public."we""ird; --" (n);
      CREATE INDEX tags_gin ON public."we""ird; --" USING gin (tags);
      CREATE TABLE public.parted (n int PRIMARY KEY) PARTITION BY RANGE (n);
      CREATE TABLE public.leaf_1 PARTITION OF public.parted FOR VALUES FROM (0) TO (9);
      CREATE TABLE public.leaf_2 PARTITION OF public.parted FOR VALUES FROM (9) TO (19);
      CREATE TABLE public.untouched (n int PRIMARY KEY)`);
    const untouched = await stateOf(target, 'public.untouched_pkey');
    const done = await rebuild(target, { indexes: ['parted_pkey'], tables: ['"we""ird; --"'] });
    expect(keys(done).toSorted()).toEqual([
      'public."i""x; drop table x"',
      'public.leaf_1_pkey',
      'public.leaf_2_pkey',
      'public.tags_gin',
    ]);
    expect(done.outcomes.map(({ kind }) => kind)).toEqual(['done', 'done', 'done', 'done']);
    const toast = expect.stringMatching(/^pg_toast\.pg_toast_\d+_index$/);
    expect(done.skipped).toEqual([
      { object: toast, reason: 'toast' },
      { object: 'public.parted_pkey', reason: 'partitioned' },
    ]);
    // Without pgstattuple the waste is not known, before or after.
    expect(done.effects).toHaveLength(4);
    expect(done.effects[0]).toMatchObject({ wasteBeforePercent: null, wasteAfterPercent: null });
    expect(await stateOf(target, 'public.untouched_pkey')).toEqual(untouched);
  });

  it('refuses names the target lacks, each with its place', async () => {
    const target = await setup(major, { pgstattuple: false });
    await target.owner.query(
      `CREATE SCHEMA a; CREATE TABLE a.t (n int PRIMARY KEY); CREATE TABLE public.t (n int PRIMARY KEY)`,
    );
    const { problems } = await rebuild(target, {
      indexes: ['none', 't_pkey', '"t""; drop table x; --"'],
      tables: ['gone'],
      schemas: ['a', 'nowhere'],
    });
    expect(problems.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
      '/indexes/0 unknown_index',
      '/indexes/1 ambiguous_index',
      '/indexes/2 unknown_index',
      '/tables/0 unknown_table',
      '/schemas/1 unknown_schema',
    ]);
  });

  it('says what cannot be measured and how to cure that, and then measures', async () => {
    const target = await setup(major, { pgstattuple: false });
    await target.owner.query(bloated);
    const small = { min_size_mb: 0.5 };
    const unknown = (grant: string) => ({
      steps: [],
      checked: 2,
      unknown: expect.arrayContaining([{ object: 'public.orders_pkey', reason: expect.any(String), grant }]),
    });
    expect(await rebuild(target, small)).toMatchObject(unknown('CREATE EXTENSION pgstattuple'));
    await target.admin.query('CREATE SCHEMA "ext ension"; CREATE EXTENSION pgstattuple SCHEMA "ext ension"');
    const cure = `GRANT USAGE ON SCHEMA "ext ension" TO ${target.role}; GRANT EXECUTE ON FUNCTION "ext ension".pgstatindex(regclass) TO ${target.role}`;
    expect(await rebuild(target, small)).toMatchObject(unknown(cure));
    await target.admin.query(cure);
    expect(await rebuild(target, { ...small, max_measured_mb: 1 })).toMatchObject({
      steps: [],
      unknown: expect.arrayContaining([{ object: 'public.orders_pkey', reason: 'over_max_measured_mb', grant: null }]),
    });
    await vacuumAway(target.owner, 'public.orders');
    expect(keys(await rebuild(target, small))).toContain('public.orders_pkey');
  });

  it('tells the right it lacks, and works with it', async () => {
    const target = await setup(major, { pgstattuple: false });
    const owner = `owner_${target.database}`;
    await target.admin.query(`CREATE ROLE ${owner}; CREATE SCHEMA theirs; CREATE TABLE theirs.t (n int PRIMARY KEY);
      ALTER TABLE theirs.t OWNER TO ${owner}`);
    onTestFinished(async () => {
      await target.admin.query(`DROP OWNED BY ${owner}; DROP ROLE ${owner}`);
    });
    const config = { indexes: ['theirs.t_pkey'] };
    const refused = await rebuild(target, config);
    expect(refused.outcomes).toMatchObject([{ kind: 'failed', error: { code: 'insufficient_privilege' } }]);
    const [unknown] = refused.unknown;
    const right =
      major >= 17 ? `GRANT MAINTAIN ON TABLE theirs.t TO ${target.role}` : `GRANT ${owner} TO ${target.role}`;
    const grant = `GRANT USAGE ON SCHEMA theirs TO ${target.role}; ${right}`;
    expect(unknown).toEqual({ object: 'theirs.t_pkey', reason: 'insufficient_privilege', grant });
    await target.admin.query(grant);
    expect(await rebuild(target, config)).toMatchObject({ unknown: [], outcomes: [{ kind: 'done' }] });
  });
});
