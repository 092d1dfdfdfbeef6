import { TargetError } from '@slacktide/application/ports';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { createDatabase, majors, type PostgresMajor } from '../../../../test/support/postgres.ts';
import { createRole } from '../../../../test/support/role.ts';
import { vacuumAway } from '../../../../test/support/vacuum.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { bloomFilterRebuild } from './index.ts';

async function prepare(major: PostgresMajor, ...statements: string[]): Promise<TargetRig> {
  const rig = await openRig(await createDatabase(inject('targetUrls')[major]));
  for (const statement of statements) await rig.sql(statement);
  return rig;
}

const small = { min_size_mb: 0.1 };

/** A bloom index of which a tenth is needed. */
async function wasted(major: PostgresMajor, name: string): Promise<TargetRig> {
  const rig = await prepare(
    major,
    'CREATE EXTENSION bloom',
    'CREATE TABLE t (a int, b int)',
    'INSERT INTO t SELECT g, g % 7 FROM generate_series(1, 20000) g',
    `CREATE INDEX ${name} ON t USING bloom (a, b) WITH (length = 80, col1 = 4)`,
    'DELETE FROM t WHERE a % 10 <> 0',
  );
  await vacuumAway(await rig.connect(), 't');
  return rig;
}

interface State {
  readonly file: number;
  readonly bytes: number;
  readonly valid: boolean;
}

async function stateOf(rig: TargetRig, name: string): Promise<State | undefined> {
  const [state] = await rig.sql<State>(
    `SELECT pg_relation_filenode(c.oid)::int AS file, pg_relation_size(c.oid)::int AS bytes, indisvalid AS valid
     FROM pg_class c JOIN pg_index i ON i.indexrelid = c.oid WHERE format('%I', relname) = $1`,
    [name],
  );
  return state;
}

/** pages_per_range 4: two thirds of the ranges came after the index. */
const brin = [
  'CREATE TABLE events (at int, note text)',
  `INSERT INTO events SELECT g, repeat('x', 200) FROM generate_series(1, 2000) g`,
  'CREATE INDEX events_at ON events USING brin (at) WITH (pages_per_range = 4)',
  `INSERT INTO events SELECT g, repeat('x', 200) FROM generate_series(2001, 6000) g`,
];

describe.each(majors)('BLOOM_FILTER_REBUILD on PostgreSQL %i', (major) => {
  it('rebuilds a bloom index that is larger than its rows need, and then has nothing to do', async () => {
    const name = `"we""ird'; --"`;
    await using rig = await wasted(major, name);
    const before = await stateOf(rig, name);
    const { steps, effects, remnants } = await rig.run(bloomFilterRebuild, small);
    expect(steps).toMatchObject([
      {
        step: { key: `public.${name}`, data: { waste_percent: expect.closeTo(88, -1) } },
        outcome: { kind: 'done', result: { waste_percent_after: 0, size_before_bytes: before?.bytes } },
      },
    ]);
    const after = await stateOf(rig, name);
    expect(after?.valid).toBe(true);
    expect(after?.file).not.toBe(before?.file);
    expect(after?.bytes).toBeLessThan((before?.bytes ?? 0) / 4);
    expect(effects).toMatchObject([
      { action: 'reindex', object: `public.${name}`, wasteAfterPercent: 0, detail: { method: 'bloom', rows: 2000 } },
    ]);
    expect(remnants).toMatchObject([{ kind: 'index', outcome: 'absent' }]);
    expect((await rig.run(bloomFilterRebuild, { min_size_mb: 0 })).plan).toMatchObject({ steps: [], checked: 1 });
  });

  it('summarises the ranges of a BRIN index that have no summary yet, counted where pageinspect is there', async () => {
    await using rig = await prepare(major, ...brin, 'CREATE SCHEMA odd', 'CREATE EXTENSION pageinspect SCHEMA odd');
    const { plan, steps, effects } = await rig.run(bloomFilterRebuild, {});
    const left = Number(plan?.steps[0]?.data['unsummarised_ranges']);
    expect(left).toBeGreaterThan(10);
    expect(steps).toMatchObject([
      {
        outcome: {
          kind: 'done',
          result: { ranges_summarised: left, unsummarised_after: 0, verified_by: 'pageinspect' },
        },
      },
    ]);
    expect(effects).toMatchObject([
      { action: 'custom', object: 'public.events_at', detail: { what: 'brin_summarize' } },
    ]);
    expect(bloomFilterRebuild.summarise?.(steps)).toEqual({ bytes_freed: 0, ranges_summarised: left });
    expect((await rig.run(bloomFilterRebuild, {})).plan).toMatchObject({ steps: [], checked: 1 });

    // Without it the function itself tells.
    await rig.sql('DROP EXTENSION pageinspect');
    await rig.sql(`INSERT INTO events SELECT g, repeat('x', 200) FROM generate_series(6001, 8000) g`);
    const [first] = (await rig.run(bloomFilterRebuild, {})).steps;
    expect(first?.outcome).toMatchObject({
      kind: 'done',
      result: { unsummarised_after: null, verified_by: 'brin_summarize_new_values' },
    });
    expect(first?.outcome.kind === 'done' && Number(first.outcome.result['ranges_summarised'])).toBeGreaterThan(5);
    const again = await rig.run(bloomFilterRebuild, {});
    expect(again.steps).toMatchObject([{ outcome: { kind: 'done', result: { ranges_summarised: 0 } } }]);
    expect(again.effects).toEqual([]);
  });
});

describe.each([14, 18] as const)('BLOOM_FILTER_REBUILD, oldest and newest: PostgreSQL %i', (major) => {
  it('makes summaries anew of the ranges that are named, and refuses what is none', async () => {
    await using rig = await prepare(
      major,
      ...brin,
      'CREATE INDEX plain ON events (at)',
      'DELETE FROM events WHERE at < 100',
    );
    const config = { ranges: [{ index: 'public.events_at', from_block: 0, to_block: 9 }] };
    const { plan, steps } = await rig.run(bloomFilterRebuild, config);
    expect(plan?.steps[0]?.statements).toHaveLength(7);
    expect(steps).toMatchObject([{ outcome: { kind: 'done' } }]);
    const stopped = await rig.run(bloomFilterRebuild, config, { breathe: () => 'overloaded' });
    expect(stopped.steps).toMatchObject([
      { outcome: { kind: 'skipped', reason: 'load', result: { ranges_summarised: 1 } } },
    ]);
    const refused = await rig.plan(bloomFilterRebuild, {
      indexes: ['none'],
      ranges: [
        { index: 'plain', from_block: 0, to_block: 1 },
        { index: 'events_at', from_block: 100_000, to_block: 100_001 },
      ],
    });
    expect(refused.problems.map(({ pointer, code }) => `${pointer} ${code}`)).toEqual([
      '/indexes/0 unknown_index',
      '/ranges/0 unusable_range',
      '/ranges/1 unusable_range',
    ]);
  });

  it('does not call it success when the role may not, and names the GRANT that cures it', async () => {
    const role = await createRole(inject('targetUrls')[major]);
    await using rig = await wasted(major, 'i');
    await rig.sql('CREATE INDEX b ON t USING brin (a)');
    await rig.sql(`ALTER ROLE ${role.name} PASSWORD 'postgres'`);
    const found = await rig.run(bloomFilterRebuild, small, { as: role.name });
    expect(found.steps).toEqual([]);
    expect(found.plan?.unknown.map(({ object, reason }) => [object, reason])).toEqual([
      ['public.b', 'insufficient_privilege'],
      ['public.i', 'insufficient_privilege'],
    ]);
    const named = await rig.run(bloomFilterRebuild, { indexes: ['i'] }, { as: role.name });
    expect(named.steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'insufficient_privilege' } } }]);
    const grant = named.plan?.unknown[0]?.grant;
    // Before 17 only the owner may, and nobody is told to become the superuser.
    expect(grant).toBe(major >= 17 ? `GRANT MAINTAIN ON TABLE public.t TO ${role.name}` : null);
    await rig.sql(grant ?? `ALTER TABLE t OWNER TO ${role.name}`);
    await rig.sql(`GRANT USAGE ON SCHEMA public TO ${role.name}`);
    if (grant === null) await rig.sql(`GRANT CREATE ON SCHEMA public TO ${role.name}`);
    const cured = await rig.run(bloomFilterRebuild, { indexes: ['i'] }, { as: role.name });
    expect(cured.steps).toMatchObject([{ outcome: { kind: 'done' } }]);
    await rig.sql(`REASSIGN OWNED BY ${role.name} TO postgres`);
    await rig.sql(`DROP OWNED BY ${role.name}`);
  });

  it('does not touch what was replaced or has gone, nor queue for a lock', async () => {
    await using rig = await wasted(major, 'i');
    await rig.sql('CREATE INDEX b ON t USING brin (a)');
    const replace = {
      beforeSteps: async () => {
        await rig.sql('DROP INDEX i, b');
        await rig.sql('CREATE INDEX i ON t USING bloom (a)');
      },
    };
    expect((await rig.run(bloomFilterRebuild, { indexes: ['i', 'b'] }, replace)).steps).toMatchObject([
      { step: { key: 'public.b' }, outcome: { kind: 'skipped', reason: 'index_gone' } },
      { step: { key: 'public.i' }, outcome: { kind: 'skipped', reason: 'replaced_since_planned' } },
    ]);
    await rig.sql('CREATE INDEX b ON t USING brin (a)');
    const owner = await rig.connect({ applicationName: 'migration' });
    await owner.query('BEGIN');
    await owner.query('LOCK TABLE t IN SHARE MODE');
    const config = { indexes: ['i', 'b'], gate: 'skip' as const, lock_timeout_seconds: 1 };
    expect((await rig.run(bloomFilterRebuild, config)).steps).toMatchObject([
      { step: { key: 'public.b' }, outcome: { kind: 'failed', error: { code: 'lock_timeout', message: /migration/ } } },
      { step: { key: 'public.i' }, outcome: { kind: 'skipped', reason: 'blocked' } },
    ]);
    await owner.query('COMMIT');
  });

  it('leaves nothing behind when told to stop', async () => {
    await using rig = await wasted(major, 'i');
    const holder = await rig.connect();
    await holder.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await holder.query('SELECT 1');
    onTestFinished(async () => void (await holder.query('ROLLBACK').catch(() => undefined)));
    const cancel = new AbortController();
    const running = rig
      .run(bloomFilterRebuild, { indexes: ['i'], gate: 'go' }, { signal: cancel.signal })
      .catch((error: unknown) => error);
    await expect
      .poll(() => rig.sql(`SELECT FROM pg_class WHERE relname = 'i_ccnew'`), { interval: 20 })
      .toHaveLength(1);
    cancel.abort();
    expect(await running).toBeInstanceOf(TargetError);
    await holder.query('ROLLBACK');
    expect(await rig.sql(`SELECT relname FROM pg_class WHERE relname LIKE 'i%ccnew%'`)).toEqual([]);
    expect((await stateOf(rig, 'i'))?.valid).toBe(true);
  });
});
