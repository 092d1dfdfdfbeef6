import type { CheckReport, FoundFinding } from '@slacktide/domain';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createDatabase, majors } from '../../../../test/support/postgres.ts';
import { type CheckRig, openCheckRig } from '../../test/check-rig.ts';
import { orphanedIndex } from './index.ts';

/** 63 bytes; its working copy's name is cut within the ö, which goes whole. */
const longName = `${'x'.repeat(56)}öxxxxx`;
const clipped = `${'x'.repeat(56)}_ccnew`;

const schema = `
CREATE SCHEMA "wei'rd ""s";
CREATE TABLE "wei'rd ""s"."we""ird; --" (n int, "Mixed; col" text);
CREATE UNIQUE INDEX "i; --" ON "wei'rd ""s"."we""ird; --" (n, ("Mixed; col" || 'x')) WHERE n > 0;
CREATE INDEX ${longName} ON "wei'rd ""s"."we""ird; --" (n);
CREATE TABLE public.t (n int, s text);
INSERT INTO public.t VALUES (1, 'a'), (1, 'b');
CREATE INDEX t_n ON public.t (n);
CREATE INDEX t_s ON public.t (s);
CREATE INDEX t_s_ccnew ON public.t (s DESC);
CREATE TABLE public.other (n int);`;

const leftover = (original: string) => ({
  severity: 'warning',
  evidence: { class: 'reindex_leftover', left_by_reindex_of: original, original_is_usable: true, is_valid: false },
  action: { rollbackSql: [], lockMode: 'SHARE UPDATE EXCLUSIVE', class: 'never_retry' },
});

describe.each(majors)('orphaned_index on PostgreSQL %i', (major) => {
  let rig: CheckRig;
  let toastIndex: string;
  beforeAll(async () => {
    rig = await openCheckRig(await createDatabase(inject('targetUrls')[major]));
    await rig.sql(schema);
    toastIndex = await breakIndexes(rig);
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const run = (as?: string) => rig.run(orphanedIndex, { confirm_seconds: 0 }, as ? { as } : {});

  it('finds what REINDEX CONCURRENTLY left, early or late, clipped, on TOAST; and drops it, whatever stays', async () => {
    const roles = { monitor: `monitor_${major}_oi`, nobody: `nobody_${major}_oi` };
    await rig.sql(
      `CREATE ROLE ${roles.monitor} LOGIN PASSWORD 'postgres' IN ROLE pg_monitor; CREATE ROLE ${roles.nobody} LOGIN PASSWORD 'postgres'`,
    );
    const report = await run();
    expect(Object.fromEntries(report.findings.map((finding) => [keyOf(finding), finding]))).toMatchObject({
      [`wei'rd "s.i; --_ccnew`]: leftover('i; --'),
      [`wei'rd "s.${clipped}`]: leftover(longName),
      'public.t_n_ccold': leftover('t_n'),
      'public.t_n_ccnew': leftover('t_n'),
      [`pg_toast.${toastIndex}_ccnew`]: {
        ...leftover(toastIndex),
        evidence: { class: 'reindex_leftover', toast_of: 'public.t' },
      },
    });
    expect(report.findings).toHaveLength(5);
    expect(report).toMatchObject({ skipped: [], unknown: [], figures: { reindex_leftovers: 5, in_progress: 0 } });
    expect(report.checked).toBe(report.figures['indexes']);
    // The catalogue tells everybody the same.
    for (const as of Object.values(roles)) expect(await run(as)).toEqual(report);
    expect(found(report, 'public.t_n_ccold').summary).toMatch(
      /drop public\.t_n_ccold, which every write still maintains, t_n does the same and stays/,
    );
    for (const finding of report.findings) await rig.execute(finding.action?.sql ?? []);
    expect(await run()).toMatchObject({ findings: [], checked: Number(report.figures['indexes']) - 5 });
    await rig.sql(`DROP ROLE ${roles.monitor}, ${roles.nobody}`);
  });

  it('takes nothing for a leftover by its suffix alone', async () => {
    // t_s_ccnew is valid; t_s_ccnew1 failed, and does something else than t_s; t_x_ccnew has no original.
    await fails(rig, 'CREATE UNIQUE INDEX CONCURRENTLY t_s_ccnew1 ON public.t (n)');
    await fails(rig, 'CREATE UNIQUE INDEX CONCURRENTLY t_x_ccnew ON public.t (n)');
    const report = await run();
    expect(report).toMatchObject({ findings: [], skipped: [], unknown: [] });
    await rig.sql('DROP INDEX public.t_s_ccnew1, public.t_x_ccnew');
  });

  it('finds no working copy while REINDEX works on it', async () => {
    const blocker = await rig.connect();
    const builder = await rig.connect();
    await blocker.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.other');
    const working = builder.query('REINDEX TABLE CONCURRENTLY public.t');
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_index WHERE indexrelid = to_regclass('public.t_n_ccnew') AND indisready`))
      .toHaveLength(1);
    const report = await run();
    expect(report.findings).toEqual([]);
    expect(report.skipped).toEqual(
      [`pg_toast.${toastIndex}_ccnew`, 'public.t_n_ccnew', 'public.t_s_ccnew1', 'public.t_s_ccnew_ccnew'].map(
        (object) => ({ object, reason: 'in_progress' }),
      ),
    );
    await blocker.query('ROLLBACK');
    await working;
    expect(await run()).toMatchObject({ findings: [], skipped: [] });
  });

  it('says unknown while the table is locked', async () => {
    const blocker = await rig.connect();
    const worker = await rig.connect();
    await blocker.query('BEGIN; SELECT FROM public.t');
    await worker.query(`SET lock_timeout = '100ms'`);
    await expect(worker.query('REINDEX INDEX CONCURRENTLY public.t_n')).rejects.toThrow('lock timeout');
    await blocker.query('ROLLBACK; BEGIN; LOCK TABLE public.t IN ACCESS EXCLUSIVE MODE');
    expect(await run()).toMatchObject({
      findings: [],
      unknown: [{ object: 'public.t_n_ccold', reason: 'locked', grant: null }],
    });
    await blocker.query('ROLLBACK');
    expect((await run()).findings.map(keyOf)).toEqual(['public.t_n_ccold']);
    await rig.sql('DROP INDEX public.t_n_ccold');
  });

  it('finds temporary indexes of sessions that are gone, not of living ones', async () => {
    const living = await rig.connect();
    await living.query('CREATE TEMP TABLE alive (n int PRIMARY KEY)');
    expect(await run()).toMatchObject({ findings: [], figures: { temporary_indexes: 1, dead_temporary_indexes: 0 } });
    // As after a crash: no session has the number, and no file is there under it.
    const dying = await rig.connect();
    await dying.query('CREATE TEMP TABLE lost (n int PRIMARY KEY)');
    const [temporary] = await rig.sql<{ name: string }>(
      `SELECT nspname::text AS name FROM pg_namespace WHERE oid = (SELECT relnamespace FROM pg_class WHERE relname = 'lost')`,
    );
    const rename = (from: string, to: string) =>
      rig.sql('UPDATE pg_namespace SET nspname = $2 WHERE nspname = $1', [from, to]);
    await rename(temporary?.name ?? '', 'pg_temp_99999');
    const report = await run();
    expect(report.findings).toMatchObject([
      {
        fingerprint: 'index:pg_temp_99999.lost_pkey',
        severity: 'info',
        object: { schema: 'pg_temp_99999', name: 'lost_pkey', table: 'lost' },
        evidence: { class: 'dead_temporary_schema', files_are_gone: true },
        action: null,
      },
    ]);
    expect(report.figures).toMatchObject({ temporary_indexes: 2, dead_temporary_indexes: 1 });
    await rename('pg_temp_99999', temporary?.name ?? '');
    expect(await run()).toMatchObject({ findings: [], figures: { temporary_indexes: 2 } });
    await Promise.all([living.end(), dying.end()]);
  });

  it('finds indexes of detached partitions, and takes no other table for one', async () => {
    await rig.sql(`
      CREATE SCHEMA archive;
      CREATE TABLE public.ev (id int NOT NULL, at date NOT NULL, note text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
      CREATE INDEX ON public.ev (note);
      CREATE TABLE public.ev_2024 PARTITION OF public.ev FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
      CREATE TABLE public.ev_2025 PARTITION OF public.ev FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
      CREATE TABLE public.ev_2026 PARTITION OF public.ev FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
      CREATE INDEX ev_2024_at ON public.ev_2024 (at);
      ALTER TABLE public.ev DETACH PARTITION public.ev_2024;
      ALTER TABLE public.ev DETACH PARTITION public.ev_2025;
      ALTER TABLE public.ev_2025 RENAME TO old;
      ALTER TABLE public.old SET SCHEMA archive;
      CREATE TABLE public.ev_kinds (id int PRIMARY KEY, note text);
      CREATE INDEX ev_kinds_note_idx ON public.ev_kinds (note);
      CREATE TABLE public.copy (LIKE public.ev INCLUDING INDEXES)`);
    const report = await run();
    expect(
      Object.fromEntries(report.findings.map((finding) => [keyOf(finding), finding.evidence['partitioned_index']])),
    ).toEqual({
      'archive.ev_2025_note_idx': 'public.ev_note_idx',
      'archive.ev_2025_pkey': 'public.ev_pkey',
      'public.ev_2024_note_idx': 'public.ev_note_idx',
      'public.ev_2024_pkey': 'public.ev_pkey',
    });
    expect(found(report, 'archive.ev_2025_pkey')).toMatchObject({
      severity: 'info',
      object: { kind: 'index', table: 'old' },
      evidence: { class: 'detached_partition', partitioned_table: 'public.ev', no_action_because: expect.any(String) },
      action: null,
    });
    expect((await rig.run(orphanedIndex, { confirm_seconds: 0, report_detached_partitions: false })).findings).toEqual(
      [],
    );
    await rig.sql(
      `ALTER TABLE public.ev ATTACH PARTITION public.ev_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01'); DROP TABLE archive.old`,
    );
    expect((await run()).findings).toEqual([]);
  });
});

/** REINDEX timing out early and late; returns the name of the TOAST index of public.t. */
async function breakIndexes(rig: CheckRig): Promise<string> {
  const reader = await rig.connect();
  const worker = await rig.connect();
  await worker.query(`SET lock_timeout = '100ms'`);
  const timesOut = (sql: string) => expect(worker.query(sql)).rejects.toThrow('lock timeout');
  const [toast] = await rig.sql<{ name: string }>(
    `SELECT x.relname::text AS name FROM pg_class t JOIN pg_index i ON i.indrelid = t.reltoastrelid JOIN pg_class x ON x.oid = i.indexrelid
     WHERE t.oid = 'public.t'::regclass`,
  );
  await reader.query('BEGIN; SELECT FROM public.t');
  await timesOut('REINDEX INDEX CONCURRENTLY public.t_n');
  await reader.query('ROLLBACK; BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM public.other');
  await timesOut('REINDEX INDEX CONCURRENTLY public.t_n');
  await timesOut(`REINDEX INDEX CONCURRENTLY pg_toast.${toast?.name}`);
  await timesOut(`REINDEX INDEX CONCURRENTLY "wei'rd ""s"."i; --"`);
  await timesOut(`REINDEX INDEX CONCURRENTLY "wei'rd ""s".${longName}`);
  await reader.query('ROLLBACK');
  return toast?.name ?? '';
}

function fails(rig: CheckRig, sql: string): Promise<void> {
  return expect(rig.sql(sql)).rejects.toThrow('could not create unique index');
}

function keyOf({ object }: FoundFinding): string {
  return `${object.schema}.${object.name}`;
}

function found({ findings }: CheckReport, key: string): FoundFinding {
  const finding = findings.find((candidate) => keyOf(candidate) === key);
  if (finding === undefined) throw new Error(`expected a finding on ${key}, got: ${findings.map(keyOf).join(', ')}`);
  return finding;
}
