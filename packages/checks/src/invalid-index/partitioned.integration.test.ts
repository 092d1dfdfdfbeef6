import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { invalidIndex } from './index.ts';

/** Partitions, and what their parts of the index are or would be called. */
const mayName = (): string[] =>
  ['p1', 'p2', 'p1_n', 'p1_u', 'p2_p_n_idx', 'p2_p_u_idx', 'p3_n'].map((name) => `public.${name}`);

const schema = `
CREATE TABLE public.p (n int, d int) PARTITION BY RANGE (d);
CREATE TABLE public.p1 (d int, gone int, n int);
ALTER TABLE public.p1 DROP COLUMN gone;
ALTER TABLE public.p ATTACH PARTITION public.p1 FOR VALUES FROM (0) TO (10);
CREATE TABLE public.p2 PARTITION OF public.p FOR VALUES FROM (10) TO (20);
CREATE INDEX p1_other ON public.p1 (n DESC);
CREATE INDEX p1_n ON public.p1 (n) WHERE d > 0;
CREATE INDEX p_n ON ONLY public.p (n) WHERE d > 0;
CREATE UNIQUE INDEX p_u ON ONLY public.p (n, d);
CREATE INDEX ready ON public.p (d);
CREATE TABLE public.other (n int);
INSERT INTO public.p VALUES (1, 1), (1, 1);`;

describe.each(majors)('invalid_index of partitioned tables on PostgreSQL %i', (major) => {
  let rig: CheckRig;
  beforeAll(async () => {
    rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(schema);
    await expect(rig.sql('CREATE UNIQUE INDEX CONCURRENTLY p1_u ON public.p1 (n, d)')).rejects.toThrow(
      'could not create',
    );
    await rig.sql('ALTER INDEX public.p_u ATTACH PARTITION public.p1_u');
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const run = (as?: string) => rig.run(invalidIndex, { confirm_seconds: 0 }, { mayName, ...(as ? { as } : {}) });
  const find = async (key: string): Promise<FoundFinding> => found(await run(), key);

  it('reports the whole, not its part', async () => {
    const report = await run();
    expect(keys(report)).toEqual(['public.p_n', 'public.p_u']);
    expect(report.skipped).toEqual([{ object: 'public.p1_u', reason: 'part of public.p_u, which is reported' }]);
  });

  it('finds nothing while a part of it is built', async () => {
    const [blocker, builder] = [await rig.connect(), await rig.connect()];
    const nobody = `nobody_${major}_part`;
    await rig.sql(`CREATE ROLE ${nobody} LOGIN PASSWORD 'postgres'`);
    await blocker.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.other');
    const building = builder.query('CREATE INDEX CONCURRENTLY p2_n ON public.p2 (n)');
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_index WHERE indexrelid = to_regclass('public.p2_n') AND indisready`))
      .toHaveLength(1);
    const report = await run();
    // A unique index is another one.
    expect(keys(report)).toEqual(['public.p_u']);
    expect(report.skipped).toContainEqual({ object: 'public.p_n', reason: 'in_progress' });
    expect(await run(nobody)).toMatchObject({
      findings: [],
      unknown: [{ object: 'public.p2_n' }, { object: 'public.p_n' }, { object: 'public.p_u' }],
    });
    await blocker.query('ROLLBACK');
    await building;
    await rig.sql(`DROP INDEX public.p2_n; DROP ROLE ${nobody}`);
  });

  it('completes a partitioned index: attaches what does the same, builds what is lacking', async () => {
    const finding = await find('public.p_n');
    expect(finding).toMatchObject({
      evidence: { partitions: 2, missing_partitions: ['public.p1', 'public.p2'] },
      action: {
        sql: [
          'ALTER INDEX public.p_n ATTACH PARTITION public.p1_n',
          'CREATE INDEX CONCURRENTLY p2_p_n_idx ON public.p2 USING btree (n) WHERE (d > 0)',
          'ALTER INDEX public.p_n ATTACH PARTITION public.p2_p_n_idx',
        ],
        rollbackSql: ['DROP INDEX CONCURRENTLY IF EXISTS public.p2_p_n_idx'],
        class: 'compensable',
      },
    });
    const [attach = '', build = '', attachNew = ''] = finding.action?.sql ?? [];
    await rig.execute([build, ...(finding.action?.rollbackSql ?? [])]);
    expect(await find('public.p_n')).toEqual(finding);
    await rig.execute([attach, build, attachNew]);
    expect(keys(await run())).not.toContain('public.p_n');
  });

  it('rebuilds a part that failed, under its partitioned index', async () => {
    const finding = await find('public.p_u');
    expect(finding).toMatchObject({
      evidence: { unusable_parts: ['p1_u'], missing_partitions: ['public.p2'] },
      action: {
        sql: [
          expect.stringMatching(/^CREATE UNIQUE INDEX CONCURRENTLY p2_p_u_idx/),
          expect.any(String),
          'REINDEX INDEX CONCURRENTLY public.p1_u',
          'ALTER INDEX public.p_u ATTACH PARTITION public.p1_u',
        ],
      },
    });
    await rig.sql('DELETE FROM public.p');
    await rig.execute(finding.action?.sql ?? []);
    expect(keys(await run())).not.toContain('public.p_u');
  });

  it('validates a whole whose lacking partition was dropped, and proposes nothing where it cannot', async () => {
    await rig.sql(`
      CREATE TABLE public.pv (n int, d int) PARTITION BY RANGE (d);
      CREATE TABLE public.p3 PARTITION OF public.pv FOR VALUES FROM (0) TO (10);
      CREATE TABLE public.pgone PARTITION OF public.pv FOR VALUES FROM (10) TO (20);
      CREATE INDEX pv_n ON ONLY public.pv (n);
      CREATE INDEX p3_n ON public.p3 (n);
      ALTER INDEX public.pv_n ATTACH PARTITION public.p3_n;
      DROP TABLE public.pgone;
      CREATE TABLE public.pk (n int NOT NULL) PARTITION BY RANGE (n);
      CREATE TABLE public.pk1 PARTITION OF public.pk FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (n);
      CREATE INDEX pk_n ON ONLY public.pk (n);
      ALTER TABLE ONLY public.pk ADD PRIMARY KEY (n);`);
    const report = await run();
    const finding = found(report, 'public.pv_n');
    expect(finding.action).toMatchObject({
      sql: ['ALTER INDEX public.pv_n ATTACH PARTITION public.p3_n'],
      class: 'idempotent',
      rollbackSql: [],
    });
    await rig.execute(finding.action?.sql ?? []);
    expect(keys(await run())).not.toContain('public.pv_n');
    for (const key of ['public.pk_n', 'public.pk_pkey']) {
      expect(found(report, key)).toMatchObject({
        action: null,
        evidence: { no_action_because: expect.stringMatching(/public\.pk1/) },
      });
    }
    await rig.sql('DROP TABLE public.pk');
  });
});

function keys({ findings }: CheckReport): string[] {
  return findings.map(({ object }) => `${object.schema}.${object.name}`);
}

function found({ findings }: CheckReport, key: string): FoundFinding {
  const finding = findings.find(({ object }) => `${object.schema}.${object.name}` === key);
  if (finding === undefined) throw new Error(`expected a finding on ${key}`);
  return finding;
}
