import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TargetError } from '@slacktide/application/ports';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createDatabase,
  majors,
  type PostgresMajor,
  startPostgres,
  type TestPostgres,
} from '../../../../test/support/postgres.ts';
import { findIn } from '../../test/find-in.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { storageCompaction } from './index.ts';

/** Servers of this file alone: whoever logs in anywhere on a server keeps, until its password is checked, the dead rows of all databases. */
const servers = new Map<PostgresMajor, Promise<TestPostgres>>();
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop();
});

async function prepare(major: PostgresMajor, ...statements: string[]): Promise<TargetRig> {
  const server = servers.get(major) ?? startPostgres(major, { flags: ['log_statement=all'] });
  servers.set(major, server);
  const rig = await openRig(await createDatabase((await server).url));
  await rig.sql('CREATE EXTENSION pgstattuple');
  for (const statement of statements) await rig.sql(statement);
  return rig;
}

/** Every statement the server of this major got so far. */
async function sentTo(major: PostgresMajor): Promise<string> {
  const server = await servers.get(major);
  if (server === undefined) throw new Error('expected a server');
  return await readFile(join(server.dataDir, '..', 'postgres.log'), 'utf8');
}

const small = { min_size_mb: 0.1 };

/** A few hundred pages, and an index. */
function table(name: string, rows = 8_000): string[] {
  return [
    `CREATE TABLE ${name} (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off)`,
    `INSERT INTO ${name} SELECT g, repeat('x', 50) FROM generate_series(1, ${rows}) g`,
  ];
}

interface State {
  readonly file: number;
  readonly bytes: number;
  readonly rows: number;
  readonly valid: boolean;
}

async function stateOf(rig: TargetRig, name: string): Promise<State> {
  const [state] = await rig.sql<State>(
    `SELECT pg_relation_filenode($1::regclass)::int AS file, pg_table_size($1::regclass)::int AS bytes,
       (SELECT count(*)::int FROM ${name}) AS rows, (SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = $1::regclass) AS valid`,
    [name],
  );
  if (state === undefined) throw new Error('expected a table');
  return state;
}

describe.each(majors)('STORAGE_COMPACTION on PostgreSQL %i', (major) => {
  it('gives the empty tail of a table back by VACUUM alone, and the check finds nothing any more', async () => {
    await using rig = await prepare(major, ...table('tail'), 'DELETE FROM tail WHERE id > 2400', ...table('well'));
    expect(await findIn(rig, 'table_bloat', ':public.tail', small)).toBeDefined();
    const before = await stateOf(rig, 'tail');
    const { plan, steps, effects } = await rig.run(storageCompaction, { ...small, allow_full: true });
    expect(plan?.steps.map(({ key }) => key)).toEqual(['public.tail']);
    const after = await stateOf(rig, 'tail');
    expect(after).toMatchObject({ file: before.file, rows: 2400, valid: true });
    expect(after.bytes).toBeLessThan(before.bytes / 2);
    expect(steps).toMatchObject([
      {
        outcome: {
          kind: 'done',
          result: {
            not_rewritten_because: 'not_needed',
            stages: [{ method: 'vacuum' }],
            waste_percent_before: expect.closeTo(70, -1),
            waste_percent_after: expect.closeTo(0, -1),
          },
        },
      },
    ]);
    expect(storageCompaction.summarise?.(steps)).toEqual({ bytes_freed: expect.any(Number) });
    expect(effects).toMatchObject([
      { action: 'vacuum', object: 'public.tail', wasteBeforePercent: expect.any(Number) },
    ]);
    expect(await findIn(rig, 'table_bloat', ':public.tail', small)).toBeUndefined();
  });

  it('rewrites what VACUUM cannot make smaller only with consent: a new file, the same rows, valid indexes', async () => {
    await using rig = await prepare(
      major,
      'CREATE SCHEMA "od""d"',
      ...table('"od""d"."we""ird; --"'),
      'DELETE FROM "od""d"."we""ird; --" WHERE id % 4 <> 0',
    );
    const name = '"od""d"."we""ird; --"';
    const before = await stateOf(rig, name);
    const gentle = await rig.run(storageCompaction, small);
    expect(gentle.steps).toMatchObject([
      {
        outcome: {
          kind: 'done',
          result: { not_rewritten_because: 'pg_repack_extension_missing; vacuum_full_not_allowed' },
        },
      },
    ]);
    expect(await stateOf(rig, name)).toMatchObject({ file: before.file });

    const { steps, effects } = await rig.run(storageCompaction, { ...small, allow_full: true });
    const after = await stateOf(rig, name);
    expect(steps).toMatchObject([
      { outcome: { kind: 'done', result: { stages: [{ method: 'vacuum' }, { method: 'vacuum_full' }] } } },
    ]);
    expect(after).toMatchObject({ rows: before.rows, valid: true });
    expect(after.file).not.toBe(before.file);
    expect(after.bytes).toBeLessThan(before.bytes / 2);
    expect(effects.map(({ action, object }) => [action, object])).toEqual([
      ['vacuum', name],
      ['vacuum_full', name],
    ]);
    expect(effects[1]?.wasteBeforePercent).toBeGreaterThan(60);
    expect(effects[1]?.wasteAfterPercent).toBeLessThan(10);
    expect((await rig.run(storageCompaction, { ...small, allow_full: true })).plan?.steps).toEqual([]);
  });

  it('judges a TOAST table by itself', async () => {
    await using rig = await prepare(
      major,
      'CREATE TABLE texts (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off)',
      'ALTER TABLE texts ALTER note SET STORAGE EXTERNAL',
      `INSERT INTO texts SELECT g, repeat('x', 6000) FROM generate_series(1, 400) g`,
      `UPDATE texts SET note = 'short' WHERE id > 100`,
    );
    const { plan, steps } = await rig.run(storageCompaction, small);
    expect(plan?.steps).toMatchObject([{ key: 'public.texts', data: { heap: null, toast: { mainly: 'dead_rows' } } }]);
    expect(steps).toMatchObject([
      { outcome: { kind: 'done', result: { toast_waste_percent_before: expect.closeTo(78, -1) } } },
    ]);
    const [{ outcome }] = steps as [(typeof steps)[number]];
    expect(outcome.kind === 'done' && Number(outcome.result['toast_waste_percent_after'])).toBeLessThan(25);
  });
});

describe.each([14, 18] as const)('STORAGE_COMPACTION, oldest and newest: PostgreSQL %i', (major) => {
  const full = { tables: ['t'], method: 'vacuum_full' as const, allow_full: true, lock_timeout_seconds: 1 };

  it('tries for its lock so briefly that readers get through, and ends nobody', async () => {
    await using rig = await prepare(major, ...table('t'), 'DELETE FROM t WHERE id % 4 <> 0');
    const holder = await rig.connect({ applicationName: 'long report' });
    await holder.query('BEGIN');
    await holder.query('SELECT FROM t LIMIT 1');
    const readers = await Promise.all(Array.from({ length: 4 }, () => rig.connect({ applicationName: 'reader' })));
    const errors: unknown[] = [];
    let reads = 0;
    let over = false;
    const reading = readers.map(async (reader) => {
      // More than the longest attempt there is within a second, 400 ms, and less than two: who waits for longer than one is counted.
      await reader.query(`SET lock_timeout = '650ms'`);
      while (!over) {
        const read = await reader.query('SELECT count(*) FROM t WHERE id = 4').catch((error: unknown) => {
          errors.push(error);
        });
        if (read !== undefined) reads += 1;
      }
    });
    const { steps } = await rig.run(storageCompaction, full);
    over = true;
    await Promise.all(reading);
    expect(steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'lock_timeout', message: /long report/ } } },
    ]);
    // On the wire: attempts that grow, and nobody was cancelled or ended.
    const log = await sentTo(major);
    const attempts = log.match(/(?<=lock_timeout', \$1, false\)\n.*\$1 = ')\d+ms/g);
    expect(attempts?.slice(-4)).toEqual(['100ms', '200ms', '300ms', '400ms']);
    expect(log).not.toMatch(/pg_(cancel|terminate)_backend\(/);
    expect(errors).toEqual([]);
    expect(reads).toBeGreaterThan(readers.length);
    expect(await rig.sql('SELECT FROM pg_locks WHERE NOT granted')).toEqual([]);
    await expect(holder.query('COMMIT')).resolves.toBeDefined();

    const before = await stateOf(rig, 't');
    expect((await rig.run(storageCompaction, full)).steps).toMatchObject([{ outcome: { kind: 'done' } }]);
    expect((await stateOf(rig, 't')).file).not.toBe(before.file);
  });

  it('stops when it is told to while it waits, and nothing has happened', async () => {
    await using rig = await prepare(major, ...table('t', 100));
    const holder = await rig.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE t IN ROW EXCLUSIVE MODE');
    const before = await stateOf(rig, 't');
    const cancel = new AbortController();
    const running = rig
      .run(storageCompaction, { ...full, lock_timeout_seconds: 60 }, { signal: cancel.signal })
      .catch((error: unknown) => error);
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_locks WHERE relation = 't'::regclass AND NOT granted`), { interval: 20 })
      .toHaveLength(1);
    cancel.abort();
    expect(await running).toSatisfy((error) => error instanceof TargetError || (error as Error).name === 'AbortError');
    await holder.query('COMMIT');
    expect(await stateOf(rig, 't')).toEqual(before);
  });

  it('does not rewrite under load, and names who keeps the rows instead', async () => {
    await using rig = await prepare(major, ...table('t'));
    const config = { ...small, tables: ['t'], allow_full: true };
    const holder = await rig.connect({ applicationName: 'snapshot' });
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await holder.query('SELECT 1');
    await rig.sql('DELETE FROM t WHERE id % 4 <> 0');
    expect((await rig.run(storageCompaction, config)).steps).toMatchObject([
      { outcome: { kind: 'done', result: { not_rewritten_because: /^xmin_held: session/ } } },
    ]);
    await holder.query('COMMIT');
    const { steps } = await rig.run(storageCompaction, config, { breathe: () => 'overloaded' });
    expect(steps).toMatchObject([
      { outcome: { kind: 'skipped', reason: 'load', result: { stages: [{ method: 'vacuum' }] } } },
    ]);
  });

  it('leaves alone what was replaced, and does not call it success when the role may not', async () => {
    const role = `role_compaction_${major}`;
    await using rig = await prepare(major, ...table('t', 100), `CREATE ROLE ${role} LOGIN PASSWORD 'postgres'`);
    const replaced = await rig.run(storageCompaction, full, {
      beforeSteps: async () => {
        await rig.sql('ALTER TABLE t RENAME TO old');
        await rig.sql('CREATE TABLE t (id int)');
      },
    });
    expect(replaced.steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'table_gone' } }]);
    const { plan, steps } = await rig.run(storageCompaction, { tables: ['t'] }, { as: role });
    expect(plan?.unknown).toMatchObject([{ object: 'public.t', grant: expect.stringContaining('GRANT') }]);
    expect(steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant: /GRANT/ } } } },
    ]);
    await rig.sql(`DROP OWNED BY ${role}`);
    await rig.sql(`DROP ROLE ${role}`);
  });

  it('believes the catalogue, not the end of the statement, and knows what it cannot measure', async () => {
    await using rig = await prepare(major, ...table('t', 100), ...table('other', 100));
    const { steps } = await rig.run(storageCompaction, full, { rewrite: () => 'VACUUM (FULL) public.other' });
    expect(steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'not_verified' } } }]);
    await rig.sql('DROP EXTENSION pgstattuple');
    expect((await rig.plan(storageCompaction, small)).plan).toMatchObject({
      steps: [],
      unknown: [{ reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' }],
    });
    expect((await rig.run(storageCompaction, { tables: ['t'], allow_full: true })).steps).toMatchObject([
      { outcome: { kind: 'done', result: { not_rewritten_because: 'waste_not_measured' } } },
    ]);
    const { throttle } = storageCompaction.taskType.config.parse({ throttle: { capacity_mb: 1 } });
    expect((await rig.plan(storageCompaction, { ...full, throttle })).plan).toMatchObject({
      steps: [],
      skipped: [{ object: 'public.t', reason: expect.stringMatching(/^not_enough_disk: 0 MiB are free/) }],
    });
    expect(await rig.plan(storageCompaction, { tables: ['none'] })).toMatchObject({
      plan: null,
      problems: [{ pointer: '/tables/0', code: 'unknown_table' }],
    });
  });
});
