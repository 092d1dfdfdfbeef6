import { TargetError } from '@slacktide/application/ports';
import { afterAll, describe, expect, it } from 'vitest';
import {
  createDatabase,
  majors,
  type PostgresMajor,
  startPostgres,
  type TestPostgres,
} from '../../../../test/support/postgres.ts';
import { openRig, type TargetRig } from '../../test/target-rig.ts';
import { cacheWarm } from './index.ts';

/** Servers of this file alone: what others read pushes out of a cache what was loaded. */
const servers = new Map<PostgresMajor, Promise<TestPostgres>>();
afterAll(async () => {
  for (const server of servers.values()) await (await server).stop();
});

async function prepare(major: PostgresMajor, ...statements: string[]): Promise<TargetRig> {
  const server = servers.get(major) ?? startPostgres(major, { flags: ['shared_buffers=8MB'] });
  servers.set(major, server);
  const rig = await openRig(await createDatabase((await server).url));
  for (const statement of statements) await rig.sql(statement);
  return rig;
}

const extensions = [
  'CREATE SCHEMA "odd schema"',
  'CREATE EXTENSION pg_prewarm SCHEMA "odd schema"',
  'CREATE EXTENSION pg_buffercache SCHEMA "odd schema"',
];

/** About 1.6 MiB and an index of 0.5 MiB. */
function table(name: string): string[] {
  return [
    `CREATE TABLE ${name} (id int, note text)`,
    `INSERT INTO ${name} SELECT g, repeat('x', 30) FROM generate_series(1, 20000) g`,
    `CREATE INDEX ON ${name} (id)`,
  ];
}

/** Reads as much as the cache holds, twice: pages that were read once more than others are then gone, too. */
async function makeCold(rig: TargetRig): Promise<void> {
  await rig.sql(`CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 9000)`);
  for (let round = 0; round < 6; round += 1) await rig.sql(`SELECT "odd schema".pg_prewarm('filler', 'buffer')`);
  await rig.sql('DROP TABLE filler');
}

describe.each(majors)('CACHE_WARM on PostgreSQL %i', (major) => {
  it('loads what is read most for its size, and proves it by what is in the cache', async () => {
    const name = `"we""ird'; --"`;
    await using rig = await prepare(major, ...extensions, ...table(name), ...table('idle'));
    await rig.sql(`SELECT pg_stat_reset()`);
    const reader = await rig.connect();
    for (let scan = 0; scan < 3; scan += 1) await reader.query(`SELECT count(*) FROM ${name}`);
    await reader.end();
    await makeCold(rig);
    const config = { max_mb: 6, chunk_mb: 1, min_reads_per_block: 2 };
    const planned = (await rig.plan(cacheWarm, config)).plan;
    expect(planned?.steps.map(({ object }) => object.name)).toEqual([`we"ird'; --`]);
    const { steps, effects } = await rig.run(cacheWarm, config);
    expect(steps[0]?.step.statements.length).toBeGreaterThan(1);
    expect(steps).toMatchObject([
      {
        outcome: {
          kind: 'done',
          result: {
            cached_percent_after: 100,
            verified_by: 'pg_buffercache',
            blocks_loaded: steps[0]?.step.data['blocks'],
          },
        },
      },
    ]);
    const [{ outcome }] = steps as [(typeof steps)[number]];
    expect(outcome.kind === 'done' && Number(outcome.result['cached_percent_before'])).toBeLessThan(50);
    expect(effects).toMatchObject([{ action: 'cache_warm', object: `public.${name}`, objectKind: 'table' }]);
    expect((await rig.run(cacheWarm, config)).plan).toMatchObject({
      steps: [],
      skipped: [{ object: `public.${name}`, reason: 'already_cached' }],
    });
  });
});

describe.each([14, 18] as const)('CACHE_WARM, oldest and newest: PostgreSQL %i', (major) => {
  it('loads what is named, with its indexes and leaves, also where the cache cannot be looked into', async () => {
    await using rig = await prepare(
      major,
      'CREATE EXTENSION pg_prewarm',
      'CREATE TABLE parent (id int PRIMARY KEY) PARTITION BY RANGE (id)',
      'CREATE TABLE leaf PARTITION OF parent FOR VALUES FROM (0) TO (1000)',
      'INSERT INTO parent SELECT generate_series(1, 900)',
    );
    const { steps } = await rig.run(cacheWarm, { tables: ['parent'] });
    expect(steps.map(({ step }) => step.key).toSorted()).toEqual(['public.leaf', 'public.leaf_pkey']);
    expect(steps.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'done', result: { verified_by: 'pg_prewarm', cached_percent_after: null } },
      { kind: 'done' },
    ]);
  });

  it('knows what it lacks: the extension, and the right to read', async () => {
    const role = `role_warm_${major}`;
    await using rig = await prepare(major, ...table('t'), `CREATE ROLE ${role} LOGIN PASSWORD 'postgres'`);
    expect((await rig.plan(cacheWarm, {})).plan).toMatchObject({
      steps: [],
      unknown: [{ reason: 'pg_prewarm_missing', grant: 'CREATE EXTENSION pg_prewarm' }],
    });
    await rig.sql('CREATE EXTENSION pg_prewarm');
    const { plan, steps } = await rig.run(cacheWarm, { tables: ['t'] }, { as: role });
    const grant = plan?.unknown[0]?.grant ?? '';
    expect(steps[0]).toMatchObject({
      outcome: { kind: 'failed', error: { code: 'insufficient_privilege', detail: { grant } } },
    });
    for (const statement of grant.split('; ')) await rig.sql(statement);
    expect((await rig.run(cacheWarm, { tables: ['t'] }, { as: role })).steps).toMatchObject([
      { outcome: { kind: 'done' } },
      { outcome: { kind: 'done' } },
    ]);
    await rig.sql(`DROP OWNED BY ${role}`);
    await rig.sql(`DROP ROLE ${role}`);
  });

  it('stops between two chunks: when told to, under load, and where the relation has gone', async () => {
    await using rig = await prepare(major, 'CREATE EXTENSION pg_prewarm', ...table('t'));
    const config = { tables: ['t'], chunk_mb: 1 };
    const loaded = await rig.run(cacheWarm, config, { breathe: () => 'overloaded' });
    expect(loaded.steps.find(({ step }) => step.key === 'public.t')?.outcome).toMatchObject({
      kind: 'skipped',
      reason: 'load',
      result: { blocks_loaded: 128 },
    });
    const cancel = new AbortController();
    const cancelled = await rig
      .run(cacheWarm, config, { signal: cancel.signal, onProgress: ({ percent }) => percent !== 0 && cancel.abort() })
      .catch((error: unknown) => error);
    expect(cancelled).toSatisfy((error) => error instanceof TargetError || (error as Error).name === 'AbortError');
    const truncate = { beforeSteps: async () => void (await rig.sql('TRUNCATE t')) };
    expect((await rig.run(cacheWarm, config, truncate)).steps.map(({ outcome }) => outcome.kind)).toEqual([
      'done',
      'done',
    ]);
    const drop = { beforeSteps: async () => void (await rig.sql('DROP TABLE t')) };
    await rig.sql('INSERT INTO t SELECT g FROM generate_series(1, 100) g');
    expect((await rig.run(cacheWarm, config, drop)).steps.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'skipped', reason: 'relation_gone' },
      { kind: 'skipped', reason: 'relation_gone' },
    ]);
  });

  it('waits no longer than the session allows for a lock, and leaves the rest', async () => {
    await using rig = await prepare(major, 'CREATE EXTENSION pg_prewarm', ...table('t'));
    const owner = await rig.connect();
    const lock = async (): Promise<void> => {
      await owner.query('BEGIN');
      await owner.query('LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
    };
    const { steps } = await rig.run(cacheWarm, { tables: ['t'] }, { beforeSteps: lock });
    expect(steps.find(({ step }) => step.key === 'public.t')?.outcome).toMatchObject({
      kind: 'skipped',
      reason: 'locked',
    });
    await owner.query('COMMIT');
  });
});
