import { describe, expect, it } from 'vitest';
import type { Holder } from './holders.ts';
import { judgeWraparound } from './judge.ts';
import type { DatabaseAge, Server, WraparoundFacts } from './read.ts';
import type { TableAges } from './relations.ts';
import { checkType, type WraparoundConfig } from './schema.ts';

const now = new Date('2026-11-30T12:00:00Z');
const million = 1_000_000;

function table(name: string, facts: Partial<TableAges> = {}): TableAges {
  return {
    schema: 'public',
    name,
    quoted: `public.${name}`,
    kind: 'table',
    xidAge: million,
    multixactAge: 0,
    xidLimit: null,
    multixactLimit: null,
    toast: null,
    temporary: false,
    temporaryOf: null,
    beingVacuumed: false,
    ...facts,
  };
}

function database(name: string, facts: Partial<DatabaseAge> = {}): DatabaseAge {
  return { name, allowsConnections: true, invalid: false, xidAge: million, multixactAge: 0, ...facts };
}

function holder(facts: Partial<Holder> = {}): Holder {
  const base = { kind: 'session' as const, name: 'report', pid: 1, user: 'u', database: 'shop', ageSeconds: 60 };
  return { ...base, ageTransactions: 300 * million, catalogOnly: false, ...facts };
}

function judge(
  facts: Partial<Omit<WraparoundFacts, 'server'>> & { server?: Partial<Server> },
  earlier: Parameters<typeof judgeWraparound>[1] = [],
  config: Partial<WraparoundConfig> = {},
) {
  const server: Server = {
    inRecovery: false,
    database: 'shop',
    autovacuum_freeze_max_age: 200 * million,
    autovacuum_multixact_freeze_max_age: 400 * million,
    vacuum_failsafe_age: 1600 * million,
    vacuum_multixact_failsafe_age: 1600 * million,
    nextXid: 5_000_000_000,
    nextMultixact: 1000,
    ...facts.server,
  };
  const empty = { databases: [database('shop')], tables: [], holders: [], oldest: [] };
  return judgeWraparound({ ...empty, ...facts, server }, earlier, now, checkType.config.parse(config));
}

describe('wraparound of tables', () => {
  it.each([
    ['young', { xidAge: 200 * million - 1 }, undefined],
    ['as old as the limit', { xidAge: 200 * million }, 'warning'],
    ['as old as the failsafe', { xidAge: 1600 * million }, 'critical'],
    ['stricter by its own option', { xidAge: 100_000, xidLimit: 100_000 }, 'warning'],
    ['no laxer by its own option', { xidAge: 200 * million, xidLimit: 2000 * million }, 'warning'],
    ['multixacts of the limit', { multixactAge: 400 * million }, 'warning'],
    ['multixacts beyond its own option', { multixactAge: 10_000, multixactLimit: 10_000 }, 'warning'],
    ['multixacts as old as the failsafe', { multixactAge: 1600 * million }, 'critical'],
    ['stores no transaction ids', { xidAge: null, multixactAge: null }, undefined],
  ] as const)('decides: %s', (_, facts, severity) => {
    const { findings } = judge({ tables: [table('t', facts)] });
    expect(findings.map((finding) => finding.severity)).toEqual(severity === undefined ? [] : [severity]);
  });

  it('takes the failsafe for no less than 105 % of the limit, as the server does', () => {
    const server = { autovacuum_freeze_max_age: 1000 * million, vacuum_failsafe_age: 0 };
    const severityAt = (xidAge: number) => judge({ server, tables: [table('t', { xidAge })] }).findings[0]?.severity;
    expect([1049, 1050].map((age) => severityAt(age * million))).toEqual(['warning', 'critical']);
  });

  it('names the worst of a table and its TOAST table, once', () => {
    const toast = { xidAge: 500 * million, multixactAge: 0, xidLimit: null, multixactLimit: null };
    const { findings, checked } = judge({ tables: [table('t', { xidAge: 300 * million, toast })] });
    expect(checked).toBe(2);
    expect(findings).toMatchObject([
      {
        fingerprint: 'table:public.t',
        summary: expect.stringMatching(/^The TOAST table of public\.t has transaction ids 500000000 old/),
        evidence: { heap: 'toast', ids: 'xid', age: 500 * million, limit: 200 * million, percent_of_limit: 250 },
        action: { sql: ['VACUUM (FREEZE, TRUNCATE false) public.t'], class: 'idempotent' },
      },
    ]);
  });

  it.each([
    ['a session holds it back', {}, { holders: [holder()] }],
    ['a prepared transaction does', {}, { holders: [holder({ kind: 'prepared_transaction' })] }],
    ['a standby does, whatever the database', {}, { holders: [holder({ kind: 'standby_feedback', database: null })] }],
    ['it is a temporary table', { temporary: true, temporaryOf: 7 }, {}],
    ['VACUUM is at it', { beingVacuumed: true }, {}],
    ['this is a standby', {}, { server: { inRecovery: true } }],
  ] as const)('proposes nothing where %s', (_, facts, others) => {
    const [finding] = judge({ tables: [table('t', { xidAge: 250 * million, ...facts })], ...others }).findings;
    expect(finding).toMatchObject({ action: null, evidence: { no_action_because: expect.any(String) } });
  });

  it.each([
    ['of another database', { database: 'other' }],
    ['that is younger than the limit', { ageTransactions: 199 * million }],
    ['that keeps catalogues only', { kind: 'replication_slot', database: null, catalogOnly: true }],
  ] as const)('is not put off by a holder %s', (_, facts) => {
    const { findings } = judge({ tables: [table('t', { xidAge: 250 * million })], holders: [holder(facts)] });
    expect(findings[0]?.action).not.toBeNull();
    expect(findings[0]?.evidence['held_back_by']).toEqual([]);
  });
});

describe('wraparound of databases', () => {
  it('judges those that allow no connections too, and names what holds them back', () => {
    const slot = holder({ kind: 'replication_slot', name: 'orphan', database: null, catalogOnly: true });
    const { findings } = judge({
      databases: [database('shop'), database('closed', { allowsConnections: false, xidAge: 250 * million })],
      holders: [holder(), slot],
    });
    expect(findings).toMatchObject([
      {
        fingerprint: 'database:closed',
        severity: 'warning',
        evidence: {
          allows_connections: false,
          held_back_by: [{ kind: 'replication_slot', name: 'orphan', catalogues_only: true }],
          no_action_because: expect.stringContaining('allows no connections'),
        },
        action: null,
      },
    ]);
  });

  it('leaves out what an interrupted DROP DATABASE left, as the server does', () => {
    const report = judge({
      databases: [database('shop'), database('gone', { invalid: true, xidAge: 2000 * million })],
    });
    expect(report).toMatchObject({ checked: 1, findings: [], skipped: [{ object: 'gone' }] });
    expect(report.figures).toMatchObject({ oldest_xid_age: million, oldest_database: 'shop' });
  });

  it('knows temporary tables of our own database that hold it back', () => {
    const temporary = table('scratch', {
      schema: 'pg_temp_3',
      quoted: 'pg_temp_3.scratch',
      temporary: true,
      temporaryOf: 7,
    });
    const { findings } = judge({ databases: [database('shop', { xidAge: 250 * million })], tables: [temporary] });
    expect(findings[0]?.evidence).toMatchObject({ temporary_tables: 1, oldest_temporary_tables: [{ pid: 7 }] });
  });
});

describe('wraparound forecasts', () => {
  const look = (hoursAgo: number, xid: number, multixact = 1000) => ({
    at: new Date(now.getTime() - hoursAgo * 3_600_000),
    values: { xid, multixact },
  });

  it('tells how long ids last from the use between the oldest look and now', () => {
    const databases = [database('shop', { xidAge: 2_147_483_647 - 3 * million - 100 * million })];
    const { figures, findings } = judge({ databases }, [
      look(1, 4_999_999_999),
      look(10, 4_990_000_000, 2 ** 32 - 1000),
    ]);
    expect(figures).toMatchObject({ xids_per_hour: million, multixacts_per_hour: 200, hours_until_stop: 100 });
    expect(findings[0]).toMatchObject({
      severity: 'critical',
      evidence: { hours_until_stop: 100, ids_per_hour: million },
    });
  });

  it.each([
    ['without an earlier look', []],
    ['with one that is too close', [look(0.1, 4_000_000_000)]],
    ['when the counter went back', [look(2, 6_000_000_000)]],
  ])('does not guess %s', (_, earlier) => {
    expect(judge({}, earlier).figures).toMatchObject({ xids_per_hour: null, hours_until_stop: null });
  });

  it('keeps what the next look needs', () => {
    expect(judge({}).snapshot).toEqual({ xid: 5_000_000_000, multixact: 1000 });
  });
});
