import { parse } from 'libpg-query';
import { describe, expect, it } from 'vitest';
import type { CompactionFacts } from './facts.ts';
import { planCompaction } from './plan.ts';
import { dropLeftoversStatement } from './repack-leftovers.ts';
import { commandLine } from './rewrite.ts';
import { type StorageCompactionConfig, taskType } from './schema.ts';
import type { CompactTable } from './tables.ts';
import type { TableWaste, WastedPart } from './waste.ts';

const mebibyte = 1024 * 1024;

const half: WastedPart = {
  percent: 50,
  bytes: 50 * mebibyte,
  sizeBytes: 100 * mebibyte,
  mainly: 'free_space',
  held: null,
};

function table(name: string, facts: Partial<CompactTable> = {}): CompactTable {
  return {
    oid: 16_384,
    schema: 'public',
    name,
    quoted: `public.${name}`,
    relkind: 'r',
    logged: true,
    filenode: 1,
    toast: null,
    tableBytes: 100 * mebibyte,
    indexBytes: 20 * mebibyte,
    validIndexes: [16_390],
    invalidIndexes: [],
    hasKey: true,
    repackObjects: [],
    lastVacuum: null,
    vacuumCount: 0,
    permitted: true,
    grant: null,
    ...facts,
  };
}

const repack = { extensionVersion: '1.5.1', programVersion: '1.5.1', superuser: true, publicationForAll: null };
const noRepack = { extensionVersion: null, programVersion: null, superuser: true, publicationForAll: null };

function plan(
  tables: readonly CompactTable[],
  config: Partial<StorageCompactionConfig> = {},
  facts: Partial<CompactionFacts> = {},
  waste: TableWaste = { heap: half, toast: null },
) {
  return planCompaction(
    {
      serverVersion: 180_004,
      named: false,
      tables,
      waste: new Map(tables.map(({ quoted }) => [quoted, waste])),
      judged: { checked: 7, skipped: [], unknown: [], unjudged: [] },
      repack: noRepack,
      freeBytes: null,
      past: new Map(),
      ...facts,
    },
    taskType.config.parse(config),
  );
}

describe('the plan of a compaction', () => {
  it('is a VACUUM that gives back the tail, and says why it is no more than that', () => {
    const made = plan([table('t')]);
    expect(made.checked).toBe(7);
    expect(made.steps).toMatchObject([
      {
        key: 'public.t',
        statements: ['VACUUM (TRUNCATE TRUE, INDEX_CLEANUP ON, SKIP_DATABASE_STATS) public.t'],
        lockMode: 'SHARE UPDATE EXCLUSIVE',
        cost: { action: 'vacuum', tempDiskBytes: 0 },
        data: { rewrite: null, no_rewrite_because: 'pg_repack_extension_missing; vacuum_full_not_allowed' },
      },
    ]);
    expect(plan([table('t')], {}, { serverVersion: 150_018 }).steps[0]?.statements).toEqual([
      'VACUUM (TRUNCATE TRUE, INDEX_CLEANUP ON) public.t',
    ]);
  });

  it('names ACCESS EXCLUSIVE and the disk a rewrite takes, and holds VACUUM FULL for consent', () => {
    const [step] = plan([table('t')], { allow_full: true }).steps;
    expect(step).toMatchObject({
      statements: [expect.stringMatching(/^VACUUM \(TRUNCATE/), 'VACUUM (FULL) public.t'],
      lockMode: 'ACCESS EXCLUSIVE',
      cost: { action: 'vacuum_full', tempDiskBytes: 120 * mebibyte, walBytes: 120 * mebibyte },
      data: { rewrite: 'vacuum_full', rewrite_only_over_percent: 40, table_oid: 16_384 },
    });
    expect(taskType.config.safeParse({ method: 'vacuum_full' }).error?.issues).toMatchObject([
      { path: ['allow_full'], message: 'vacuum_full needs allow_full: true' },
    ]);
    expect(plan([table('t')], { allow_full: true, max_full_mb: 119 }).steps[0]?.data).toMatchObject({
      rewrite: null,
      no_rewrite_because: 'pg_repack_extension_missing; over_max_full_mb: 120',
    });
  });

  it('prefers pg_repack, which must never end anybody', () => {
    const [step] = plan([table('t')], { allow_full: true }, { repack }).steps;
    expect(step?.data).toMatchObject({
      rewrite: 'pg_repack',
      rewrite_args: ['--no-kill-backend', '--wait-timeout=6', '--no-order', '--no-password', '--table=public.t'],
    });
    expect(step?.statements[1]).toBe(
      'pg_repack --no-kill-backend --wait-timeout=6 --no-order --no-password --table=public.t',
    );
    expect(step).toMatchObject({ lockMode: 'ACCESS EXCLUSIVE', cost: { action: 'repack' } });
  });

  it.each<[string, Partial<CompactTable>, Partial<typeof repack>]>([
    ['pg_repack_program_missing', {}, { programVersion: null as never }],
    ['pg_repack_versions_differ: the program is 1.4.8, the extension 1.5.1', {}, { programVersion: '1.4.8' }],
    ['pg_repack_needs_superuser', {}, { superuser: false }],
    ['pg_repack_publication_for_all_tables: all', {}, { publicationForAll: 'all' as never }],
    ['pg_repack_only_for_logged_tables', { relkind: 'm' }, {}],
    ['pg_repack_only_for_logged_tables', { logged: false }, {}],
    ['pg_repack_needs_a_key', { hasKey: false }, {}],
    ['pg_repack_invalid_index: public.broken', { invalidIndexes: ['public.broken'] }, {}],
    ['pg_repack_leftover: repack.log_16384', { repackObjects: ['repack.log_16384'] }, {}],
  ])(
    'skips a table with the reason where pg_repack is asked for and cannot be used: %s',
    (reason, facts, surroundings) => {
      const made = plan([table('t', facts)], { method: 'pg_repack' }, { repack: { ...repack, ...surroundings } });
      expect(made).toMatchObject({ steps: [], skipped: [{ object: 'public.t', reason }] });
    },
  );

  it('rewrites nothing without the disk for it twice, where the disk is known', () => {
    const facts = { freeBytes: 239 * mebibyte };
    expect(plan([table('t')], { allow_full: true }, facts).steps[0]?.data).toMatchObject({
      rewrite: null,
      no_rewrite_because: 'not_enough_disk: 239 MiB are free, a rewrite may need 240',
    });
    expect(plan([table('t')], { allow_full: true }, { freeBytes: 240 * mebibyte }).steps[0]?.data).toMatchObject({
      rewrite: 'vacuum_full',
    });
  });

  it('does not rewrite again soon, unless it is named', () => {
    const past = new Map([['public.t', { daysSinceRewrite: 6, vacuumedToBytes: null }]]);
    const data = (named: boolean) =>
      plan([table('t')], { allow_full: true }, { past, named }).steps[0]?.data['no_rewrite_because'];
    expect(data(false)).toBe('rewritten_recently');
    expect(data(true)).toBeNull();
  });

  it('does not vacuum again for nothing what only a rewrite would make smaller', () => {
    const past = new Map([['public.t', { daysSinceRewrite: null, vacuumedToBytes: 120 * mebibyte }]]);
    expect(plan([table('t')], {}, { past })).toMatchObject({
      steps: [],
      skipped: [{ reason: 'only_a_rewrite_would_help: pg_repack_extension_missing; vacuum_full_not_allowed' }],
    });
    const dead: TableWaste = { heap: { ...half, mainly: 'dead_rows' }, toast: null };
    expect(plan([table('t')], {}, { past }, dead).steps).toHaveLength(1);
    expect(plan([table('t', { tableBytes: 101 * mebibyte })], {}, { past }).steps).toHaveLength(1);
  });

  it('names who keeps dead rows instead of a VACUUM for nothing', () => {
    const waste: TableWaste = { heap: { ...half, mainly: 'dead_rows', held: 'session 42 keeps them' }, toast: null };
    expect(plan([table('t')], {}, {}, waste)).toMatchObject({
      steps: [],
      skipped: [{ object: 'public.t', reason: 'xmin_held: session 42 keeps them' }],
    });
  });

  it('takes the largest waste first, and leaves the rest for the next run', () => {
    const tables = ['a', 'b', 'c'].map((name) => table(name));
    const waste = new Map<string, TableWaste>([
      ['public.a', { heap: half, toast: null }],
      ['public.b', { heap: half, toast: half }],
      ['public.c', { heap: null, toast: { ...half, bytes: 1 } }],
    ]);
    const made = plan(tables, { max_tables: 2 }, { waste });
    expect(made.steps.map(({ key }) => key)).toEqual(['public.b', 'public.a']);
    expect(made.skipped).toEqual([{ object: 'public.c', reason: 'over_max_tables' }]);
  });

  it('passes on what could not be judged', () => {
    const judged = {
      checked: 1,
      skipped: [{ object: 'public.x', reason: 'no_measure_for columnar' }],
      unknown: [{ object: 'shop', reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' }],
      unjudged: ['public.y'],
    };
    expect(plan([], {}, { judged })).toMatchObject({
      checked: 1,
      skipped: [{ object: 'public.x' }, { object: 'public.y', reason: 'over_max_read_mb' }],
      unknown: [{ reason: 'pgstattuple_missing', grant: 'CREATE EXTENSION pgstattuple' }],
    });
  });

  it('does not attempt what the role may not do, unless it was asked for by name', () => {
    const closed = table('closed', { permitted: false, grant: 'GRANT …' });
    const unknown = [{ object: 'public.closed', reason: 'insufficient_privilege', grant: 'GRANT …' }];
    expect(plan([closed])).toMatchObject({ steps: [], unknown });
    expect(plan([closed], {}, { named: true })).toMatchObject({ steps: [{ data: { reason: 'named' } }], unknown });
  });

  it('sends statements that are one VACUUM each, of nothing but the table', async () => {
    const quoted = 'public."we""ird; --"';
    const [step] = plan([table('we"ird; --', { quoted })], { allow_full: true }).steps;
    expect(step?.statements).toHaveLength(2);
    for (const statement of step?.statements ?? []) {
      const { stmts = [] } = await parse(statement);
      expect(stmts).toHaveLength(1);
      expect(stmts[0]?.stmt).toMatchObject({
        VacuumStmt: { rels: [{ VacuumRelation: { relation: { schemaname: 'public', relname: 'we"ird; --' } } }] },
      });
    }
  });
});

it('removes what pg_repack left by one call of its own function', async () => {
  const { stmts = [] } = await parse(dropLeftoversStatement(16_384));
  expect(stmts).toHaveLength(1);
  expect(JSON.stringify(stmts[0]?.stmt)).toMatch(/SelectStmt.*"repack".*"repack_drop"/);
});

it('shows a command as a person would type it, and passes on arguments that no shell ever sees', () => {
  const quoted = `public."we""ird; $(reboot) '"`;
  const [step] = plan([table('t', { quoted })], {}, { repack }).steps;
  expect(step?.data['rewrite_args']).toContain(`--table=${quoted}`);
  expect(commandLine([`--table=${quoted}`])).toBe(`pg_repack '--table=public."we""ird; $(reboot) '\\''"'`);
});
