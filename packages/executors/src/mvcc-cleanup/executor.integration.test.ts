import { TargetError } from '@slacktide/application/ports';
import { afterAll, describe, expect, it, vi } from 'vitest';
import {
  createDatabase,
  majors,
  type PostgresMajor,
  startPostgres,
  type TestPostgres,
} from '../../../../test/support/postgres.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { mvccCleanup } from './index.ts';

/** A name that looks like what VACUUM VERBOSE says, and like a statement. */
const hostile = `t": found 7 removable, \ntuples: 8 removed, "; DROP TABLE decoy`;
const hostileQuoted = `"t"": found 7 removable, \ntuples: 8 removed, ""; DROP TABLE decoy"`;

const role = `vacuum "role"`;
const roleQuoted = `"vacuum ""role"""`;

/**
 * Servers of this file alone: whoever logs in anywhere on a server keeps, until its password is checked, the dead rows of all
 * databases, and so would the sessions of other files.
 */
const servers = new Map<PostgresMajor, Promise<TestPostgres>>();
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop();
});

function serverOf(major: PostgresMajor): Promise<TestPostgres> {
  const server = servers.get(major) ?? startPostgres(major);
  servers.set(major, server);
  return server;
}

describe.each(majors)('MVCC_CLEANUP on PostgreSQL %i', (major) => {
  const setup = (...statements: string[]): Promise<TargetRig> => prepare(major, statements);

  it('vacuums the due tables, the worst first, and counts what went', async () => {
    await using rig = await setup(...table('bad', 1000, 400), ...table('worse', 1000, 600), ...table('well', 1000, 10));
    await rig.counters('worse', { n_dead_tup: 600 });
    await rig.counters('bad', { n_dead_tup: 400 });
    const { plan, steps } = await rig.run(mvccCleanup, {});
    const options = `VERBOSE, TRUNCATE FALSE${major >= 16 ? ', SKIP_DATABASE_STATS' : ''}`;
    expect(plan?.steps).toMatchObject([
      { key: 'public.worse', lockMode: 'SHARE UPDATE EXCLUSIVE', statements: [`VACUUM (${options}) public.worse`] },
      { key: 'public.bad', data: { reason: 'dead_rows', dead_rows: 400 } },
    ]);
    expect(plan?.checked).toBe(3);
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([
      {
        kind: 'done',
        result: { dead_rows_before: 600, dead_rows_after: 0, removed_rows: 600, xmin_holder: null, warnings: [] },
      },
      { kind: 'done', result: { dead_rows_before: 400, dead_rows_after: 0, removed_rows: 400 } },
    ]);
    expect(mvccCleanup.summarise?.(steps)).toMatchObject({ removed_rows: 1000, not_removable_rows: 0 });
    expect((await rig.run(mvccCleanup, {})).plan?.steps).toEqual([]);
  });

  it('names who holds dead rows, and does not vacuum again for nothing until they are let go', async () => {
    await using rig = await setup(...table('held', 1000, 0));
    const holder = await rig.connect({ applicationName: 'monthly report' });
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const { rows } = await holder.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await rig.sql('DELETE FROM held WHERE id <= 500');
    await rig.counters('held', { n_dead_tup: 500 });
    const xmin_holder = { kind: 'session', pid: rows[0]?.pid, user: 'postgres', application_name: 'monthly report' };

    const first = await rig.run(mvccCleanup, {});
    expect(first.steps).toMatchObject([
      {
        outcome: {
          kind: 'done',
          result: { removed_rows: 0, dead_rows_before: 500, dead_rows_after: 500, xmin_holder },
        },
      },
    ]);
    const second = await rig.run(mvccCleanup, {});
    expect(second.steps).toMatchObject([
      {
        step: { data: { xmin_holder } },
        outcome: { kind: 'skipped', reason: 'xmin_held', result: { dead_rows: 500, xmin_holder } },
      },
    ]);
    await rig.counters('held', { vacuum_count: 1 });
    expect((await rig.run(mvccCleanup, { skip_when_xmin_held: false })).steps).toMatchObject([
      { outcome: { kind: 'done' } },
    ]);

    await holder.query('COMMIT');
    expect((await rig.run(mvccCleanup, {})).steps).toMatchObject([
      { outcome: { kind: 'done', result: { removed_rows: 500, dead_rows_after: 0, xmin_holder: null } } },
    ]);
  });

  it('vacuums the leaves of a partitioned table that is named', async () => {
    await using rig = await setup(
      'CREATE TABLE parent (id int, note text) PARTITION BY RANGE (id)',
      'CREATE TABLE leaf PARTITION OF parent FOR VALUES FROM (0) TO (100)',
      'CREATE TABLE branch PARTITION OF parent FOR VALUES FROM (100) TO (200) PARTITION BY RANGE (id)',
      'CREATE TABLE twig PARTITION OF branch FOR VALUES FROM (100) TO (200)',
      'CREATE TABLE apart (id int)',
    );
    const { steps } = await rig.run(mvccCleanup, { tables: ['parent'] });
    expect(steps).toMatchObject([
      { step: { key: 'public.leaf', data: { reason: 'named' } }, outcome: { kind: 'done' } },
      { step: { key: 'public.twig' }, outcome: { kind: 'done' } },
    ]);
  });

  it('is not misled by names, and refuses the unknown ones', async () => {
    await using rig = await setup(...table('decoy', 10, 0), ...table(hostileQuoted, 100, 60));
    await rig.counters(hostileQuoted, { n_dead_tup: 60 });
    const { steps } = await rig.run(mvccCleanup, { tables: [hostileQuoted] });
    expect(steps).toMatchObject([
      {
        step: { object: { name: hostile } },
        outcome: { kind: 'done', result: { removed_rows: 60, dead_rows_after: 0 } },
      },
    ]);
    const refused = await rig.run(mvccCleanup, { tables: [`"x""; DROP TABLE decoy; --"`, 'decoy'] });
    expect(refused).toMatchObject({ plan: null, problems: [{ pointer: '/tables/0', code: 'unknown_table' }] });
    expect(await rig.sql('SELECT count(*)::int AS n FROM decoy')).toEqual([{ n: 10 }]);
  });

  it('does not call it success when the role may not, and names the GRANT that cures it', async () => {
    await using rig = await setup(
      'CREATE SCHEMA hidden',
      ...table('hidden.closed', 1000, 500),
      `CREATE ROLE ${roleQuoted} LOGIN PASSWORD 'postgres'`,
    );
    try {
      await rig.counters('hidden.closed', { n_dead_tup: 500 });
      const found = await rig.run(mvccCleanup, {}, { as: role });
      expect(found.steps).toEqual([]);
      expect(found.plan?.unknown).toMatchObject([{ object: 'hidden.closed', reason: 'insufficient_privilege' }]);
      const named = await rig.run(mvccCleanup, { tables: ['hidden.closed'] }, { as: role });
      const grant = found.plan?.unknown[0]?.grant ?? '';
      expect(named.steps).toMatchObject([
        { outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant } } } },
      ]);
      for (const statement of grant.split('; ')) await rig.sql(statement);
      const cured = await rig.run(mvccCleanup, {}, { as: role });
      expect(cured.steps).toMatchObject([{ outcome: { kind: 'done', result: { removed_rows: 500 } } }]);
    } finally {
      await rig.sql(`DROP OWNED BY ${roleQuoted}`);
      await rig.sql(`DROP ROLE ${roleQuoted}`);
    }
  });

  it('rewrites a table with FULL when asked, and proves it by the new file', async () => {
    await using rig = await setup(...table('bloated', 20_000, 19_000), 'CREATE INDEX ON bloated (id)');
    await rig.counters('bloated', { n_dead_tup: 19_000 });
    const { plan, steps } = await rig.run(mvccCleanup, { tables: ['bloated'], full: true, analyze: true });
    expect(plan?.steps).toMatchObject([
      { lockMode: 'ACCESS EXCLUSIVE', statements: [expect.stringMatching(/^VACUUM \(VERBOSE, FULL, ANALYZE/)] },
    ]);
    expect(steps).toMatchObject([{ outcome: { kind: 'done', result: { removed_rows: 19_000, dead_rows_after: 0 } } }]);
    const [{ outcome }] = steps as [(typeof steps)[number]];
    if (outcome.kind !== 'done') throw new Error('expected it done');
    expect(Number(outcome.result['size_after_bytes'])).toBeLessThan(Number(outcome.result['size_before_bytes']) / 5);
  });
});

describe.each([14, 18] as const)('MVCC_CLEANUP, oldest and newest: PostgreSQL %i', (major) => {
  const setup = (...statements: string[]): Promise<TargetRig> => prepare(major, statements);

  it('finds tables due for their inserts, and for their TOAST rows', async () => {
    await using rig = await setup(
      ...table('filled', 5000, 0),
      'CREATE TABLE wide (id int, note text) WITH (autovacuum_enabled = off, autovacuum_vacuum_threshold = 100000, toast.autovacuum_vacuum_threshold = 10)',
      'ALTER TABLE wide ALTER note SET STORAGE EXTERNAL',
      `INSERT INTO wide SELECT g, repeat('x', 5000) FROM generate_series(1, 50) g`,
      'DELETE FROM wide WHERE id <= 20',
    );
    await rig.counters('wide', { n_dead_tup: 20 });
    await rig.counters('filled', { n_ins_since_vacuum: 5000 });
    const { steps } = await rig.run(mvccCleanup, {});
    expect(steps).toMatchObject([
      {
        step: { key: 'public.wide', data: { reason: 'dead_rows', only_toast: major >= 16 } },
        outcome: { kind: 'done', result: { toast_dead_rows_after: 0 } },
      },
      { step: { key: 'public.filled', data: { reason: 'inserted_rows' } }, outcome: { kind: 'done' } },
    ]);
    const [{ outcome }] = steps as [(typeof steps)[number]];
    if (outcome.kind !== 'done') throw new Error('expected it done');
    expect(Number(outcome.result['toast_dead_rows_before'])).toBeGreaterThan(20);
  });

  it('freezes, analyzes, truncates and works in parallel when asked', async () => {
    await using rig = await setup(
      ...table('t', 5000, 0),
      'CREATE INDEX ON t (id)',
      'CREATE INDEX ON t (note)',
      'DELETE FROM t WHERE id > 100',
    );
    await rig.counters('t', { n_dead_tup: 4900 });
    const config = { tables: ['t'], freeze: true, analyze: true, truncate: true, parallel_workers: 2 };
    const { plan, steps } = await rig.run(mvccCleanup, config);
    expect(plan?.steps[0]?.statements).toEqual([
      'VACUUM (VERBOSE, TRUNCATE TRUE, FREEZE, ANALYZE, PARALLEL 2) public.t',
    ]);
    expect(steps).toMatchObject([{ outcome: { kind: 'done', result: { removed_rows: 4900 } } }]);
    expect(
      await rig.sql(
        `SELECT analyze_count::int AS n, pg_relation_size('t') < 100000 AS small FROM pg_stat_all_tables WHERE relname = 't'`,
      ),
    ).toEqual([{ n: 1, small: true }]);
  });

  it('waits in short goes for the lock of FULL, ends nobody, and says who was in the way', async () => {
    await using rig = await setup(...table('read', 100, 0));
    const reader = await rig.connect({ applicationName: 'reader' });
    await reader.query('BEGIN');
    const { rows } = await reader.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, count(*) FROM read');
    const { steps } = await rig.run(mvccCleanup, { tables: ['read'], full: true, lock_timeout_seconds: 1 });
    expect(steps).toMatchObject([
      {
        outcome: {
          kind: 'failed',
          error: { code: 'lock_timeout', detail: { blockers: [{ pid: rows[0]?.pid, application_name: 'reader' }] } },
        },
      },
    ]);
    await expect(reader.query('COMMIT')).resolves.toBeDefined();
    expect((await rig.run(mvccCleanup, { tables: ['read'], full: true })).steps).toMatchObject([
      { outcome: { kind: 'done' } },
    ]);
  });

  it('refuses FULL of a table over the size that was allowed', async () => {
    await using rig = await setup(...table('big', 20_000, 0));
    const { plan, problems } = await rig.run(mvccCleanup, { tables: ['big'], full: true, full_max_size_mb: 0.5 });
    expect(plan).toBeNull();
    expect(problems).toMatchObject([{ pointer: '/full_max_size_mb', code: 'table_too_large' }]);
  });

  it('does not make a running VACUUM of somebody else give way', async () => {
    await using rig = await setup(...table('slow', 50_000, 25_000));
    const other = await rig.connect({ applicationName: 'other vacuum' });
    await other.query('SET vacuum_cost_delay = 100');
    await other.query('SET vacuum_cost_limit = 1');
    const vacuuming = other.query('VACUUM slow');
    await vi.waitFor(
      async () =>
        expect(await rig.sql('SELECT FROM pg_stat_progress_vacuum WHERE datname = current_database()')).toHaveLength(1),
      { timeout: 20_000 },
    );
    const { steps, progress } = await rig.run(mvccCleanup, { tables: ['slow'], lock_timeout_seconds: 1 });
    expect(progress).toContainEqual({ phase: 'waiting for autovacuum', percent: null, etaSeconds: null });
    expect(steps).toMatchObject([
      {
        outcome: {
          kind: 'failed',
          error: { code: 'lock_timeout', detail: { blockers: [{ application_name: 'other vacuum' }] } },
        },
      },
    ]);
    // Still at work, until we end it ourselves.
    const ended = expect(vacuuming).rejects.toMatchObject({ code: '57014' });
    await rig.sql(`SELECT pg_cancel_backend(pid) FROM pg_stat_progress_vacuum WHERE datname = current_database()`);
    await ended;
  });

  it('tells how far it is, and stops when it is told to', async () => {
    await using rig = await setup(...table('large', 50_000, 25_000), 'CREATE INDEX ON large (id)');
    await slowDown(rig);
    const cancel = new AbortController();
    const error = await rig
      .run(
        mvccCleanup,
        { tables: ['large'] },
        {
          signal: cancel.signal,
          onProgress: ({ phase, percent }) =>
            phase === 'scanning heap' && percent !== null && percent > 0 && cancel.abort(),
        },
      )
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TargetError);
    expect(error).toMatchObject({ code: 'cancelled' });
    expect(await rig.sql('SELECT pid FROM pg_stat_progress_vacuum WHERE datname = current_database()')).toEqual([]);
    expect(await rig.sql(`SELECT vacuum_count::int AS n FROM pg_stat_all_tables WHERE relname = 'large'`)).toEqual([
      { n: 0 },
    ]);
  });
});

describe('MVCC_CLEANUP', () => {
  it('believes the catalogue, not the end of the statement', async () => {
    await using rig = await prepare(18, [...table('one', 100, 50), ...table('other', 100, 50)]);
    const config = { tables: ['one'] };
    const { steps } = await rig.run(mvccCleanup, config, { rewrite: () => 'VACUUM (VERBOSE) public.other' });
    expect(steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'not_verified' } } }]);
  });

  it('does nothing to a table that was replaced after the plan', async () => {
    await using rig = await prepare(18, table('one', 100, 50));
    const replace = async (): Promise<void> => {
      await rig.sql('ALTER TABLE one RENAME TO two');
      await rig.sql('CREATE TABLE one ()');
    };
    const { steps } = await rig.run(mvccCleanup, { tables: ['one'] }, { beforeSteps: replace });
    expect(steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'table_gone' } }]);
  });
});

/** A database of its own. Autovacuum stays away from its tables: it must not do the work that a test waits for. */
async function prepare(major: PostgresMajor, statements: readonly string[]): Promise<TargetRig> {
  const { url } = await serverOf(major);
  const rig = await openRig(await createDatabase(url));
  for (const statement of statements) await rig.sql(statement);
  return rig;
}

function table(name: string, rows: number, dead: number): string[] {
  return [
    `CREATE TABLE ${name} (id int, note text) WITH (autovacuum_enabled = off)`,
    `INSERT INTO ${name} SELECT g, 'x' FROM generate_series(1, ${rows}) g`,
    ...(dead === 0 ? [] : [`DELETE FROM ${name} WHERE id <= ${dead}`]),
  ];
}

/** VACUUM of a few hundred pages then takes seconds. */
async function slowDown(rig: TargetRig): Promise<void> {
  const [row] = await rig.sql<{ name: string }>('SELECT quote_ident(current_database()) AS name');
  await rig.sql(`ALTER DATABASE ${row?.name} SET vacuum_cost_delay = 20`);
  await rig.sql(`ALTER DATABASE ${row?.name} SET vacuum_cost_limit = 10`);
}
