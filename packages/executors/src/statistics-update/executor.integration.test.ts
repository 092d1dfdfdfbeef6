import { TargetError } from '@slacktide/application/ports';
import { describe, expect, inject, it, vi } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { statisticsUpdate } from './index.ts';

/** What a name may hold: quotes, a statement, a newline, a backslash. */
const hostile = `t"; DROP TABLE decoy; --\n'\\`;
const hostileQuoted = `"t""; DROP TABLE decoy; --\n'\\"`;
/** Of this file alone: roles belong to the server, which all files share. */
const role = `statistics "role"`;
const roleQuoted = `"statistics ""role"""`;

describe.each(majors)('STATISTICS_UPDATE on PostgreSQL %i', (major) => {
  const setup = (...statements: string[]): Promise<TargetRig> => prepare(major, statements);

  it('analyzes what was never analyzed, then the tables that changed most, and the server says so', async () => {
    await using rig = await setup(
      ...table('fresh', 100),
      ...table('little', 1000),
      ...table('much', 1000),
      ...table('more', 1000),
      'ANALYZE little, much, more',
      'UPDATE little SET id = id WHERE id <= 30',
      'UPDATE much SET id = id WHERE id <= 900',
      'UPDATE more SET id = id WHERE id <= 600',
      'CREATE TABLE empty (id int)',
    );
    await rig.counters('fresh', { n_live_tup: 100 });
    await rig.counters('more', { n_mod_since_analyze: 600 });
    const { plan, steps } = await rig.run(statisticsUpdate, {});
    expect(plan).toMatchObject({ checked: 5, skipped: [], unknown: [] });
    expect(plan?.steps.map(({ key }) => key)).toEqual(['public.fresh', 'public.much', 'public.more']);
    expect(plan?.steps[1]).toMatchObject({
      statements: ['ANALYZE public.much'],
      lockMode: 'SHARE UPDATE EXCLUSIVE',
      data: { reason: 'changed', modified_rows: 900, limit_rows: 150 },
    });
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'done', result: { reason: 'never_analyzed', live_rows: 100, modified_rows_after: 0, warnings: [] } },
      { kind: 'done', result: { reason: 'changed', modified_rows_before: 900, modified_rows_after: 0 } },
      { kind: 'done', result: { modified_rows_before: 600, modified_rows_after: 0 } },
    ]);
    expect(await rig.sql(`SELECT attname FROM pg_stats WHERE tablename = 'fresh' AND attname = 'id'`)).toHaveLength(1);
    expect((await rig.run(statisticsUpdate, {})).plan?.steps).toEqual([]);
  });

  it('analyzes a partitioned table that only its leaves were, and again when enough changed', async () => {
    await using rig = await setup(
      'CREATE TABLE parent (id int, note text) PARTITION BY RANGE (id)',
      'CREATE TABLE leaf PARTITION OF parent FOR VALUES FROM (0) TO (10000) WITH (autovacuum_enabled = off)',
      `INSERT INTO parent SELECT g, 'x' FROM generate_series(1, 1000) g`,
      'ANALYZE leaf',
    );
    await rig.counters('leaf', { n_live_tup: 1000, n_mod_since_analyze: 0 });
    const first = await rig.run(statisticsUpdate, {});
    expect(first.steps).toMatchObject([
      {
        step: { statements: [major >= 18 ? 'ANALYZE ONLY public.parent' : 'ANALYZE public.parent'] },
        outcome: { kind: 'done', result: { reason: 'never_analyzed' } },
      },
    ]);
    expect(await rig.sql(`SELECT attname FROM pg_stats WHERE tablename = 'parent' AND inherited`)).toHaveLength(2);
    expect((await rig.plan(statisticsUpdate, {})).plan?.steps).toEqual([]);

    await rig.sql(`INSERT INTO parent SELECT g, 'x' FROM generate_series(1001, 2000) g`);
    await rig.counters('leaf', { n_mod_since_analyze: 1000 });
    const again = await rig.run(statisticsUpdate, {});
    const keys = again.steps.map(({ step }) => step.key);
    expect(keys).toEqual(major >= 18 ? ['public.leaf', 'public.parent'] : ['public.parent']);
    expect(again.plan?.skipped).toEqual(
      major >= 18 ? [] : [{ object: 'public.leaf', reason: 'covered_by public.parent' }],
    );
    await rig.counters('leaf', { n_mod_since_analyze: 0 });
    expect((await rig.plan(statisticsUpdate, {})).plan?.steps).toEqual([]);
  });

  it('finds hostile names, says which are unknown, and touches only the table that is named', async () => {
    await using rig = await setup(
      ...table('decoy', 10),
      ...table(`public.${hostileQuoted}`, 10),
      'CREATE VIEW v AS SELECT 1',
    );
    const { steps } = await rig.run(statisticsUpdate, { tables: [hostileQuoted, 'public.decoy'] });
    expect(steps).toMatchObject([
      { step: { object: { name: hostile }, data: { reason: 'named' } }, outcome: { kind: 'done' } },
      { step: { object: { name: 'decoy' } }, outcome: { kind: 'done' } },
    ]);
    const refused = await rig.run(statisticsUpdate, {
      tables: ['decoy', `"x""; DROP TABLE decoy; --"`, 'v', 'pg_class'],
    });
    expect(refused.plan).toBeNull();
    expect(refused.problems).toMatchObject([
      { pointer: '/tables/1', code: 'unknown_table' },
      { pointer: '/tables/2', code: 'unknown_table' },
      { pointer: '/tables/3', code: 'excluded_table' },
    ]);
    expect(await rig.sql('SELECT count(*)::int AS n FROM decoy')).toEqual([{ n: 10 }]);
  });

  it('does not call it success when the role may not, and names the GRANT that cures it', async () => {
    await using rig = await setup(
      ...table('closed', 100),
      'CREATE SCHEMA hidden',
      ...table('hidden.closed', 100),
      `CREATE ROLE ${roleQuoted} LOGIN PASSWORD 'postgres'`,
    );
    try {
      await rig.counters('hidden.closed', { n_live_tup: 100 });
      const found = await rig.run(statisticsUpdate, {}, { as: role });
      expect(found.steps).toEqual([]);
      expect(found.plan?.unknown).toMatchObject([
        { object: 'hidden.closed', reason: 'insufficient_privilege' },
        { object: 'public.closed', reason: 'insufficient_privilege' },
      ]);
      const named = await rig.run(statisticsUpdate, { tables: ['hidden.closed'] }, { as: role });
      expect(named.steps).toMatchObject([
        {
          outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant: expect.any(String) } } },
        },
      ]);
      for (const { grant } of found.plan?.unknown ?? []) {
        for (const statement of (grant ?? '').split('; ')) await rig.sql(statement);
      }
      const cured = await rig.run(statisticsUpdate, {}, { as: role });
      expect(cured.steps.map(({ outcome }) => outcome.kind)).toEqual(['done', 'done']);
    } finally {
      await rig.sql(`DROP OWNED BY ${roleQuoted}`);
      await rig.sql(`DROP ROLE ${roleQuoted}`);
    }
  });
});

describe.each([14, 18] as const)('STATISTICS_UPDATE, oldest and newest: PostgreSQL %i', (major) => {
  const setup = (...statements: string[]): Promise<TargetRig> => prepare(major, statements);

  it('looks at materialized views, and not at what belongs to the system, an extension or a session', async () => {
    await using rig = await setup(
      ...table('theirs', 100),
      'CREATE EXTENSION pg_stat_statements',
      'ALTER EXTENSION pg_stat_statements ADD TABLE theirs',
      'CREATE MATERIALIZED VIEW summary AS SELECT g AS id FROM generate_series(1, 100) g',
    );
    const session = await rig.connect();
    await session.query('CREATE TEMP TABLE scratch AS SELECT g FROM generate_series(1, 100) g');
    await rig.counters('summary', { n_live_tup: 100 });
    const { plan, steps } = await rig.run(statisticsUpdate, {});
    expect(plan?.checked).toBe(1);
    expect(steps).toMatchObject([{ step: { key: 'public.summary' }, outcome: { kind: 'done' } }]);
  });

  it('leaves a locked table alone and says who holds it: skipped when it was found due, failed when it was named', async () => {
    await using rig = await setup(...table('busy', 100));
    await rig.counters('busy', { n_live_tup: 100 });
    const holder = await rig.connect({ applicationName: 'nightly "import"' });
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE busy IN SHARE MODE');
    const [{ pid }] = (await holder.query('SELECT pg_backend_pid() AS pid')).rows as [{ pid: number }];
    const blockers = [{ pid, user: 'postgres', application_name: 'nightly "import"', locks: 'ShareLock' }];

    const found = await rig.run(statisticsUpdate, { lock_timeout_seconds: 1 });
    expect(found.steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'locked', result: { blockers } } }]);
    const named = await rig.run(statisticsUpdate, { tables: ['busy'], lock_timeout_seconds: 1 });
    expect(named.steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'lock_timeout', detail: { blockers } } } },
    ]);

    await holder.query('COMMIT');
    expect((await rig.run(statisticsUpdate, {})).steps).toMatchObject([{ outcome: { kind: 'done' } }]);
  });

  it('tells how far it is, and stops when it is told to', async () => {
    await using rig = await setup(
      ...table('large', 100_000),
      // Its statistics need the lock that the test holds: ANALYZE stands still however fast it read the blocks.
      `CREATE FUNCTION wait_for_test(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
       AS 'BEGIN PERFORM pg_catalog.pg_advisory_xact_lock_shared(1); RETURN $1; END'`,
      'CREATE INDEX ON large (wait_for_test(id))',
    );
    const holder = await rig.connect();
    await holder.query('SELECT pg_advisory_lock(1)');
    const cancel = new AbortController();
    const running = rig.run(
      statisticsUpdate,
      { tables: ['large'], lock_timeout_seconds: 60 },
      {
        signal: cancel.signal,
        // On a busy machine the sample may have been read before anybody looks.
        onProgress: ({ phase, percent }) => ((percent ?? 0) > 0 || phase === 'computing statistics') && cancel.abort(),
      },
    );
    const error = await running.catch((reason: unknown) => reason);
    expect(error, JSON.stringify(error)).toBeInstanceOf(TargetError);
    expect(error).toMatchObject({ code: 'cancelled' });
    await vi.waitFor(
      async () =>
        expect(await rig.sql(`SELECT pid FROM pg_stat_progress_analyze WHERE datname = current_database()`)).toEqual(
          [],
        ),
      { timeout: 20_000 },
    );
    expect(await rig.sql(`SELECT analyze_count FROM pg_stat_all_tables WHERE relname = 'large'`)).toEqual([
      { analyze_count: '0' },
    ]);
  });
});

describe('STATISTICS_UPDATE', () => {
  const setup = (...statements: string[]): Promise<TargetRig> => prepare(18, statements);

  it('believes the catalogue, not the end of the statement', async () => {
    await using rig = await setup(...table('one', 10), ...table('other', 10));
    const { steps } = await rig.run(statisticsUpdate, { tables: ['one'] }, { rewrite: () => 'ANALYZE public.other' });
    expect(steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'not_verified' } } }]);
  });

  it('does nothing to a table that was replaced after the plan', async () => {
    await using rig = await setup(...table('one', 10));
    const replace = async (): Promise<void> => {
      await rig.sql('ALTER TABLE one RENAME TO two');
      await rig.sql('CREATE TABLE one ()');
    };
    const { steps } = await rig.run(statisticsUpdate, { tables: ['one'] }, { beforeSteps: replace });
    expect(steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'table_gone' } }]);
  });
});

/** A database of its own. Autovacuum stays away from its tables: it must not do the work that a test waits for. */
async function prepare(major: PostgresMajor, statements: readonly string[]): Promise<TargetRig> {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  for (const statement of statements) await rig.sql(statement);
  return rig;
}

function table(name: string, rows: number): string[] {
  return [
    `CREATE TABLE ${name} (id int, note text) WITH (autovacuum_enabled = off)`,
    `INSERT INTO ${name} SELECT g, 'x' FROM generate_series(1, ${rows}) g`,
  ];
}
