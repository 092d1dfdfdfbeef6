import type { XminHolder } from '@slacktide/targets';
import { describe, expect, it } from 'vitest';
import { judgeOperations } from './judge.ts';
import type { OperationFacts, OperationSession } from './read.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({});

const sessionWith = (changes: Partial<OperationSession>): OperationSession => ({
  pid: 7,
  hidden: false,
  user: 'app',
  applicationName: 'shop',
  backendStart: '2026-11-30 11:00:00+00',
  clientAddress: null,
  backendType: 'client backend',
  state: 'active',
  waitEventType: null,
  waitEvent: null,
  stateSeconds: 700,
  statementSeconds: 700,
  transactionSeconds: 700,
  query: "UPDATE t SET secret = 'x' WHERE n = 1",
  maintenance: null,
  blocks: 0,
  blockedBy: [],
  refusal: null,
  cancelSql: 'cancel',
  terminateSql: 'terminate',
  ...changes,
});

const holderWith = (changes: Partial<XminHolder>): XminHolder => ({
  kind: 'session',
  name: null,
  pid: 7,
  user: 'app',
  applicationName: 'shop',
  state: 'active',
  transactionAgeSeconds: 1,
  xmin: '1000',
  ageTransactions: 1_000_001,
  catalogOnly: false,
  ...changes,
});

const judge = (facts: Partial<OperationFacts>, changes: Partial<typeof config> = {}) =>
  judgeOperations(
    {
      sessions: [],
      prepared: [],
      holders: [],
      slotStatements: new Map(),
      readStatsGrant: 'GRANT read',
      signalGrant: 'GRANT signal',
      ...facts,
    },
    { ...config, ...changes },
  );
const judgeSession = (changes: Partial<OperationSession>, settings: Partial<typeof config> = {}) =>
  judge({ sessions: [sessionWith(changes)] }, settings);

describe('stale_operation', () => {
  it.each([
    ['a long statement', {}, 'active_statement', 'cancel'],
    ['a long function call', { state: 'fastpath function call' }, 'active_statement', 'terminate'],
    ['a client that takes no rows', { waitEventType: 'Client', waitEvent: 'ClientWrite' }, 'client_slow', 'terminate'],
    ['a client that sends no rows', { waitEventType: 'Client', waitEvent: 'ClientRead' }, 'client_slow', 'terminate'],
    [
      'an idle transaction',
      { state: 'idle in transaction', statementSeconds: 9_000 },
      'idle_in_transaction',
      'terminate',
    ],
    ['a failed transaction', { state: 'idle in transaction (aborted)' }, 'idle_in_transaction', 'terminate'],
  ])('finds %s', (_, session, kind, sql) => {
    expect(judgeSession(session)).toMatchObject({
      checked: 1,
      findings: [
        {
          fingerprint: 'pid 7, since 2026-11-30 11:00:00+00',
          severity: 'warning',
          object: { kind: 'session', name: 'pid 7' },
          evidence: { kind, statement: 'UPDATE t SET secret = ? WHERE n = ?' },
          action: { sql: [sql], class: 'never_retry' },
        },
      ],
    });
  });

  it.each([
    ['an idle session, however long', { state: 'idle', stateSeconds: 1e6, statementSeconds: 1e6 }],
    ['a statement within its limit', { statementSeconds: 600 }],
    [
      'a short pause in a long transaction',
      { state: 'idle in transaction', stateSeconds: 600, transactionSeconds: 9_000 },
    ],
  ])('does not find %s', (_, session) => {
    expect(judgeSession(session)).toMatchObject({ checked: 1, findings: [], skipped: [], unknown: [] });
  });

  it.each([
    ['a background worker', { backendType: 'autovacuum worker' }, 'not_a_client'],
    ['a walsender', { backendType: 'walsender' }, 'not_a_client'],
    ['what has no role, unseen', { user: null, hidden: true, backendType: null }, 'not_a_client'],
    ['ourselves', { applicationName: 'slacktide/1/2' }, 'ignored_application'],
    ['a role that may', { user: 'etl_night' }, 'ignored_role'],
    ['a dump', { applicationName: 'pg_dump' }, 'dump'],
    ['a backup', { applicationName: 'pgBackRest [backup]' }, 'dump'],
  ])('skips %s', (_, session, reason) => {
    expect(judgeSession(session, { ignore_roles: ['etl_%'] })).toMatchObject({
      checked: 0,
      findings: [],
      skipped: [{ object: 'pid 7', reason }],
    });
  });

  it('judges dumps when asked to', () => {
    expect(judgeSession({ applicationName: 'pg_dump' }, { include_dumps: true }).findings).toHaveLength(1);
  });

  it.each([
    ['hidden', { hidden: true, state: null, backendType: null, backendStart: null }, 'state_hidden', 'GRANT read'],
    ['not tracked', { state: 'disabled', stateSeconds: null }, 'track_activities_off', null],
  ])('does not know when the state is %s', (_, session, reason, grant) => {
    expect(judgeSession(session)).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [{ object: 'pid 7', reason, grant }],
    });
  });

  it('is alarmed when others wait, and leaves alone who only waits itself', () => {
    expect(judgeSession({ blocks: 3, blockedBy: [9] }).findings).toMatchObject([
      { severity: 'critical', summary: expect.stringMatching(/3 sessions wait for it$/), action: { sql: ['cancel'] } },
    ]);
    expect(judgeSession({ blockedBy: [9], waitEventType: 'Lock', waitEvent: 'relation' }).findings).toMatchObject([
      { severity: 'warning', action: null, evidence: { blocked_by: [9], waits_for: 'Lock: relation' } },
    ]);
  });

  it('mentions maintenance, and ends none', () => {
    expect(judgeSession({ maintenance: 'CREATE INDEX CONCURRENTLY' }).findings).toMatchObject([
      { severity: 'info', action: null, evidence: { maintenance_command: 'CREATE INDEX CONCURRENTLY' } },
    ]);
  });

  it.each([
    ['superuser' as const, undefined],
    ['not_granted' as const, 'GRANT signal'],
  ])('proposes nothing that the server would refuse (%s)', (refusal, grant) => {
    const [finding] = judgeSession({ refusal }).findings;
    expect(finding).toMatchObject({ action: null, evidence: { no_action_because: expect.any(String) } });
    expect(finding?.evidence['grant']).toBe(grant);
  });

  it('finds a busy session that holds dead rows back', () => {
    const sessions = [sessionWith({ state: 'idle in transaction', stateSeconds: 1, statementSeconds: 1 })];
    const found = judge({ sessions, holders: [holderWith({})] });
    expect(found.findings).toMatchObject([{ evidence: { kind: 'xmin_holder', xmin_age_transactions: 1_000_001 } }]);
    expect(found.figures).toMatchObject({ oldest_xmin_age_transactions: 1_000_001, idle_in_transaction: 1 });
    expect(judge({ sessions, holders: [holderWith({ ageTransactions: 1_000_000 })] }).findings).toEqual([]);
  });

  it('finds slots and standbys that hold dead rows back, once each, and ends none', () => {
    const slot = { kind: 'replication_slot', name: 'cdc', state: 'inactive' } as const;
    const standby = { kind: 'standby_feedback', applicationName: 'second' } as const;
    const report = judge({
      holders: [
        holderWith({ ...slot, ageTransactions: 3_000_000 }),
        holderWith({ ...slot, ageTransactions: 2_000_000, catalogOnly: true }),
        holderWith(standby),
        holderWith({ ...standby, ageTransactions: 5 }),
        holderWith({ ...slot, name: 'young', ageTransactions: 5 }),
      ],
      slotStatements: new Map([['cdc', 'drop']]),
    });
    expect(report).toMatchObject({
      checked: 3,
      findings: [
        { fingerprint: 'slot cdc', action: null, evidence: { xmin_age_transactions: 3_000_000, statement: 'drop' } },
        { fingerprint: 'standby second', action: null },
      ],
    });
  });

  it.each([
    ['old', 601, 0, 'warning'],
    ['old and in the way', 601, 2, 'critical'],
  ])('finds a prepared transaction that is %s', (_, seconds, blocks, severity) => {
    const prepared = [{ gid: 'x', owner: 'app', preparedAt: '2026-11-30', seconds, blocks, statement: 'ROLLBACK' }];
    expect(judge({ prepared }).findings).toMatchObject([
      { severity, action: null, evidence: { statement: 'ROLLBACK' } },
    ]);
  });

  it('waits for a young prepared transaction', () => {
    const prepared = [{ gid: 'x', owner: 'app', preparedAt: '', seconds: 600, blocks: 2, statement: '' }];
    expect(judge({ prepared })).toMatchObject({ checked: 1, findings: [] });
  });
});
