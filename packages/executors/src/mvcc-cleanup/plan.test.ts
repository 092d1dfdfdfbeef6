import { describe, expect, it } from 'vitest';
import type { VacuumFacts, VacuumSettings } from './facts.ts';
import type { Holder } from './holders.ts';
import { planVacuum } from './plan.ts';
import { type MvccCleanupConfig, taskType } from './schema.ts';
import type { HeapFacts, VacuumTable } from './vacuum-tables.ts';

const settings: VacuumSettings = {
  autovacuum_vacuum_threshold: 50,
  autovacuum_vacuum_scale_factor: 0.2,
  autovacuum_vacuum_max_threshold: -1,
  autovacuum_vacuum_insert_threshold: 1000,
  autovacuum_vacuum_insert_scale_factor: 0.2,
  autovacuum_freeze_max_age: 200e6,
  autovacuum_multixact_freeze_max_age: 400e6,
  vacuum_failsafe_age: 1600e6,
  vacuum_multixact_failsafe_age: 1600e6,
};

const heap: HeapFacts = {
  liveRows: 1000,
  deadRows: 0,
  insertedRows: 0,
  reltuples: 1000,
  unfrozenShare: 1,
  xidAge: 1000,
  multixactAge: 0,
  secondsSinceVacuum: null,
  lastVacuum: null,
  vacuumCount: 0,
  options: null,
};

let nextOid = 0;
function table(name: string, facts: Partial<VacuumTable> = {}): VacuumTable {
  nextOid += 1;
  return {
    ...heap,
    oid: 16_384 + nextOid,
    schema: 'public',
    name,
    quoted: `public.${name}`,
    database: 'shop',
    toast: null,
    tableBytes: 80 * 1024 ** 2,
    indexBytes: 20 * 1024 ** 2,
    filenode: 16_384,
    lastAnalyze: null,
    permitted: true,
    grant: null,
    meanSeconds: null,
    locked: false,
    ...facts,
  };
}

function session(heldForSeconds: number | null, pid = 42): Holder {
  return {
    kind: 'session',
    name: null,
    pid,
    user: 'ann',
    applicationName: 'report',
    state: 'idle in transaction',
    transactionAgeSeconds: 900,
    xmin: '700',
    ageTransactions: 5,
    catalogOnly: false,
    heldForSeconds,
  };
}

function plan(
  tables: readonly VacuumTable[],
  config: Partial<MvccCleanupConfig> = {},
  facts: Partial<VacuumFacts> = {},
) {
  const server = { serverVersion: 180004, named: false, settings, holders: [], databases: [] };
  return planVacuum({ ...server, tables, ...facts }, taskType.config.parse(config));
}
const keys = (made: ReturnType<typeof plan>): string[] => made.steps.map(({ object }) => object.name);

describe('planVacuum', () => {
  it.each([
    ['as many dead rows as are tolerated', { deadRows: 250 }, []],
    ['one more', { deadRows: 251 }, ['dead_rows']],
    ['reltuples unknown counts as none', { deadRows: 51, reltuples: -1 }, ['dead_rows']],
    [
      'stricter by its own options',
      { deadRows: 11, options: { autovacuum_vacuum_threshold: '10', autovacuum_vacuum_scale_factor: '0' } },
      ['dead_rows'],
    ],
    ['as many inserts as are tolerated', { insertedRows: 1200 }, []],
    ['more inserts', { insertedRows: 1201 }, ['inserted_rows']],
    ['inserts, most pages frozen (18)', { insertedRows: 1101, unfrozenShare: 0.5 }, ['inserted_rows']],
    ['inserts switched off', { insertedRows: 1e6, options: { autovacuum_vacuum_insert_threshold: '-1' } }, []],
    ['old transaction ids', { xidAge: 200e6 + 1 }, ['wraparound_late']],
    [
      'old transaction ids by its own, stricter limit',
      { xidAge: 100e6 + 1, options: { autovacuum_freeze_max_age: '100000000' } },
      ['wraparound_late'],
    ],
    [
      'its own limit cannot be laxer',
      { xidAge: 300e6, options: { autovacuum_freeze_max_age: '1000000000' } },
      ['wraparound_late'],
    ],
    ['very old transaction ids', { xidAge: 1600e6 + 1 }, ['wraparound_urgent', 'wraparound_late']],
    ['old multixacts', { multixactAge: 400e6 + 1 }, ['wraparound_late']],
    ['dead rows in TOAST', { toast: { ...heap, deadRows: 251 } }, ['dead_rows']],
    [
      'TOAST follows the options of its table',
      { toast: { ...heap, deadRows: 251 }, options: { autovacuum_vacuum_threshold: '1000' } },
      [],
    ],
    [
      'TOAST with options of its own',
      {
        toast: { ...heap, deadRows: 61, options: { autovacuum_vacuum_scale_factor: '0.01' } },
        options: { autovacuum_vacuum_threshold: '1000' },
      },
      ['dead_rows'],
    ],
  ] as const)('decides by the rule of autovacuum: %s', (_, facts, due) => {
    const made = plan([table('t', facts)]);
    expect(made.steps.map(({ data }) => data['due'])).toEqual(due.length === 0 ? [] : [due]);
  });

  it('caps the tolerance for dead rows of large tables from 18 on', () => {
    const large = table('large', { reltuples: 1e9, deadRows: 100_000_001 });
    expect(keys(plan([large]))).toEqual([]);
    const capped = { ...settings, autovacuum_vacuum_max_threshold: 100_000_000 };
    expect(keys(plan([large], {}, { settings: capped }))).toEqual(['large']);
    expect(keys(plan([large], { dead_percent: 50 }, { settings: capped }))).toEqual([]);
  });

  it('puts wraparound first, then how far over the limit, then names; the locked and the held last', () => {
    const held = { deadRows: 900, secondsSinceVacuum: 10 };
    const tables = [
      table('held', held),
      table('b', { deadRows: 500 }),
      table('a', { deadRows: 500 }),
      table('worst', { deadRows: 800 }),
      table('late', { xidAge: 300e6 }),
      table('urgent', { xidAge: 1700e6 }),
      table('locked', { deadRows: 950, locked: true }),
    ];
    const made = plan(tables, {}, { holders: [session(60)] });
    expect(keys(made)).toEqual(['urgent', 'late', 'worst', 'a', 'b', 'locked', 'held']);
    const limited = plan(tables, { max_tables: 6 }, { holders: [session(60)] });
    expect(limited.skipped).toEqual([{ object: 'public.held', reason: 'over_max_tables' }]);
  });

  describe('xmin held', () => {
    const holderOf = (
      facts: Partial<VacuumTable>,
      holders: readonly Holder[],
      config: Partial<MvccCleanupConfig> = {},
    ) => plan([table('t', { deadRows: 900, ...facts })], config, { holders }).steps[0]?.data['xmin_holder'];

    it('is known when the latest VACUUM ended after the snapshot was taken', () => {
      expect(holderOf({ secondsSinceVacuum: 10 }, [session(60)])).toMatchObject({
        pid: 42,
        application_name: 'report',
      });
      expect(holderOf({ secondsSinceVacuum: 60 }, [session(10)])).toBeNull();
      expect(holderOf({ secondsSinceVacuum: null }, [session(60)])).toBeNull();
      expect(holderOf({ secondsSinceVacuum: 10 }, [session(null)])).toBeNull();
    });

    it('names the first holder that is known to hold long enough', () => {
      expect(holderOf({ secondsSinceVacuum: 10 }, [session(null, 1), session(5, 2), session(60, 3)])).toMatchObject({
        pid: 3,
      });
    });

    it('needs the TOAST table to be held as well, where it has dead rows', () => {
      const toast = { ...heap, deadRows: 5 };
      expect(holderOf({ secondsSinceVacuum: 10, toast }, [session(60)])).toBeNull();
      expect(
        holderOf({ secondsSinceVacuum: 10, toast: { ...toast, secondsSinceVacuum: 20 } }, [session(60)]),
      ).toMatchObject({ pid: 42 });
    });

    it('matters only when removing dead rows is all the VACUUM is for', () => {
      const facts = { secondsSinceVacuum: 10 };
      for (const config of [
        { freeze: true },
        { analyze: true },
        { skip_when_xmin_held: false },
        { full: true, tables: ['t'] },
      ]) {
        expect(holderOf(facts, [session(60)], config)).toBeNull();
      }
      expect(holderOf({ ...facts, insertedRows: 1e6 }, [session(60)])).toBeNull();
      expect(holderOf({ ...facts, xidAge: 300e6 }, [session(60)])).toBeNull();
    });
  });

  it.each([
    [{}, 180004, 'VACUUM (VERBOSE, TRUNCATE FALSE, SKIP_DATABASE_STATS) public.t'],
    [{}, 150018, 'VACUUM (VERBOSE, TRUNCATE FALSE) public.t'],
    [
      { truncate: true, analyze: true, parallel_workers: 0 },
      180004,
      'VACUUM (VERBOSE, TRUNCATE TRUE, ANALYZE, PARALLEL 0, SKIP_DATABASE_STATS) public.t',
    ],
    [{ freeze: true }, 180004, 'VACUUM (VERBOSE, TRUNCATE FALSE, FREEZE) public.t'],
    [{ full: true, tables: ['t'] }, 180004, 'VACUUM (VERBOSE, FULL, SKIP_DATABASE_STATS) public.t'],
  ] as const)('says exactly what is asked: %o on %i', (config, serverVersion, statement) => {
    const made = plan([table('t', { deadRows: 900 })], config as Partial<MvccCleanupConfig>, { serverVersion });
    expect(made.steps.map(({ statements }) => statements)).toEqual([[statement]]);
    expect(made.steps[0]?.lockMode).toBe('full' in config ? 'ACCESS EXCLUSIVE' : 'SHARE UPDATE EXCLUSIVE');
  });

  it('vacuums a TOAST table alone when only that is due, from 16 on', () => {
    const statementOf = (facts: Partial<VacuumTable>, serverVersion: number, config: Partial<MvccCleanupConfig> = {}) =>
      plan([table('t', facts)], config, { serverVersion }).steps[0]?.statements[0];
    const toast = { ...heap, deadRows: 900 };
    expect(statementOf({ toast }, 160004)).toBe(
      'VACUUM (VERBOSE, TRUNCATE FALSE, PROCESS_MAIN FALSE, SKIP_DATABASE_STATS) public.t',
    );
    expect(statementOf({ toast }, 150018)).not.toContain('PROCESS_MAIN');
    expect(statementOf({ toast, deadRows: 900 }, 180004)).not.toContain('PROCESS_MAIN');
    expect(statementOf({ toast }, 180004, { freeze: true })).not.toContain('PROCESS_MAIN');
    expect(statementOf({ toast: { ...heap, multixactAge: 401e6 } }, 180004)).toBe(
      'VACUUM (VERBOSE, TRUNCATE FALSE, PROCESS_MAIN FALSE) public.t',
    );
  });

  it('names the databases that are late and that it cannot vacuum', () => {
    const other = (name: string, xidAge: number, allowsConnections: boolean) => ({
      name,
      xidAge,
      multixactAge: 0,
      allowsConnections,
      allowSql: `ALTER DATABASE ${name} ALLOW_CONNECTIONS true`,
    });
    const databases = [other('young', 1e6, false), other('late', 201e6, true), other('closed', 1700e6, false)];
    expect(plan([], {}, { databases })).toMatchObject({
      skipped: [{ object: 'late', reason: 'another_database: wraparound_late' }],
      unknown: [
        {
          object: 'closed',
          reason: 'allows_no_connections: wraparound_urgent',
          grant: 'ALTER DATABASE closed ALLOW_CONNECTIONS true',
        },
      ],
    });
    expect(plan([], {}, { databases, named: true })).toMatchObject({ skipped: [], unknown: [] });
  });

  it('tells what it costs', () => {
    const [gentle] = plan([table('t', { deadRows: 900 })]).steps;
    expect(gentle?.cost).toEqual({ action: 'vacuum', tempDiskBytes: 0, walBytes: null });
    const bytes = 100 * 1024 ** 2;
    const [full] = plan([table('t', { deadRows: 900 })], { full: true, tables: ['t'] }).steps;
    expect(full?.cost).toEqual({ action: 'vacuum_full', tempDiskBytes: bytes, walBytes: bytes });
  });

  it('brings the age of the database up to date after wraparound', () => {
    expect(plan([table('t', { xidAge: 300e6 })]).steps[0]?.statements).toEqual([
      'VACUUM (VERBOSE, TRUNCATE FALSE) public.t',
    ]);
  });

  it('does not attempt what the role may not do, unless it was asked for by name', () => {
    const closed = table('closed', { deadRows: 900, permitted: false, grant: 'GRANT …' });
    const unknown = [{ object: 'public.closed', reason: 'insufficient_privilege', grant: 'GRANT …' }];
    expect(plan([closed])).toMatchObject({ steps: [], unknown });
    expect(plan([closed], {}, { named: true })).toMatchObject({ steps: [{ data: { reason: 'named' } }], unknown });
  });

  it('estimates by what the server has seen, else by all bytes; FULL by three passes', () => {
    const seconds = (facts: Partial<VacuumTable>, config: Partial<MvccCleanupConfig> = {}) =>
      plan([table('t', { deadRows: 900, ...facts })], config).steps[0]?.expectedSeconds;
    expect(seconds({ meanSeconds: 7.1 })).toBe(8);
    expect(seconds({})).toBe(2);
    expect(seconds({ meanSeconds: 7.1 }, { full: true, tables: ['t'] })).toBe(6);
    expect(seconds({ indexBytes: null })).toBeNull();
  });
});
