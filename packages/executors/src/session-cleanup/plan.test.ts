import type { CheckReport, FoundFinding, JsonObject } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { SessionCleanupFacts } from './facts.ts';
import { planSessionCleanup } from './plan.ts';
import type { PreparedTransaction } from './prepared.ts';
import { taskType } from './schema.ts';
import type { SessionState } from './session-state.ts';

const start = '2026-11-30 10:00:00.123456+00';
const config = taskType.config.parse({});

const session = (pid: number, changes: Partial<SessionState> = {}): SessionState => ({
  pid,
  backendStart: start,
  backendType: 'client backend',
  user: 'app',
  isSuperuser: false,
  applicationName: 'shop',
  clientAddress: null,
  state: 'idle in transaction',
  stateChange: '2026-11-30 11:00:00+00',
  stateSeconds: 1_000,
  statementSeconds: 1_001,
  transactionSeconds: 2_000,
  statement: 'SELECT ?',
  waiting: [],
  permitted: true,
  grant: 'GRANT pg_signal_backend TO care',
  cancelSql: `cancel ${pid}`,
  terminateSql: `terminate ${pid}`,
  ...changes,
});

const finding = (pid: number, evidence: JsonObject = {}, name = `pid ${pid}`): FoundFinding => ({
  fingerprint: `pid ${pid}`,
  severity: 'warning',
  object: { kind: 'session', schema: null, name, table: null },
  summary: '',
  evidence: { kind: 'idle_in_transaction', pid, backend_start: start, ...evidence },
  action: null,
});

const report = (findings: readonly FoundFinding[], rest: Partial<CheckReport> = {}): CheckReport => ({
  check: 'stale_operation',
  checked: 9,
  skipped: [],
  unknown: [],
  findings,
  unjudged: [],
  figures: {},
  ...rest,
});

const facts = (sessions: readonly SessionState[], rest: Partial<SessionCleanupFacts> = {}): SessionCleanupFacts => ({
  locks: null,
  operations: report(sessions.map(({ pid }) => finding(pid))),
  sessions,
  prepared: [],
  ...rest,
});

const lockFinding = (pid: number, key: string): FoundFinding => {
  const { evidence, ...rest } = finding(pid, {}, `pid ${pid}, advisory lock ${key}`);
  const { kind: _, ...held } = evidence;
  return { ...rest, evidence: { ...held, keys: [key] } };
};

describe('planSessionCleanup', () => {
  it('ends who makes the most others wait, then the oldest, and no more than it may', () => {
    const waiting = { pid: 1, user: 'app', applicationName: 'web', waitedSeconds: 3.9 };
    const plan = planSessionCleanup(
      facts([session(11), session(12, { transactionSeconds: 9_000 }), session(13, { waiting: [waiting] })]),
      { ...config, max_sessions: 2 },
    );
    expect(plan.steps).toMatchObject([
      {
        key: `pid 13, since ${start}`,
        statements: ['terminate 13'],
        reversible: false,
        lockMode: null,
        data: {
          reasons: ['idle_in_transaction'],
          cancel_first: false,
          statement: 'SELECT ?',
          blocked: [{ pid: 1, user: 'app', application: 'web', waited_seconds: 3 }],
        },
      },
      { key: `pid 12, since ${start}` },
    ]);
    expect(plan).toMatchObject({
      checked: 9,
      skipped: [{ object: `pid 11, since ${start}`, reason: 'over_max_sessions' }],
    });
  });

  it('cancels a statement before it ends the session, where that is asked for', () => {
    const active = session(11, { state: 'active', statementSeconds: 4_000 });
    const found = facts([active], { operations: report([finding(11, { kind: 'active_statement' })]) });
    expect(planSessionCleanup(found, config)).toMatchObject({
      steps: [],
      skipped: [{ object: 'pid 11', reason: 'not_opted_in' }],
    });
    expect(planSessionCleanup(found, { ...config, long_statements: true }).steps).toMatchObject([
      { statements: ['cancel 11', 'terminate 11'], expectedSeconds: 10, data: { cancel_first: true } },
    ]);
  });

  it('takes a session that is stale for several reasons once, with all its locks', () => {
    const found = facts([session(11)], { locks: report([lockFinding(11, '42'), lockFinding(11, '7,8')]) });
    expect(planSessionCleanup(found, config).steps).toMatchObject([
      { data: { reasons: ['stale_lock', 'idle_in_transaction'], advisory_locks: ['42', '7,8'] } },
    ]);
  });

  it.each<[string, Partial<SessionState>]>([
    ['not_a_client', { backendType: 'walsender' }],
    ['not_a_client', { backendType: 'autovacuum worker' }],
    ['not_a_client', { backendType: null }],
    ['superuser', { isSuperuser: true }],
    ['ourselves', { applicationName: 'slacktide/task/7' }],
    ['moved_on', { stateSeconds: 3 }],
    ['moved_on', { state: 'idle', stateSeconds: 9_000 }],
    ['gone', { backendStart: '2026-11-30 10:00:00.123457+00' }],
  ])('leaves alone who is %s: %j', (reason, changes) => {
    expect(planSessionCleanup(facts([session(11, changes)]), config)).toMatchObject({
      steps: [],
      skipped: [{ object: 'pid 11', reason }],
      unknown: [],
    });
  });

  it('leaves alone what the check proposes nothing for, and says why', () => {
    const why = 'it only waits for the sessions in blocked_by';
    const found = facts([session(11)], { operations: report([finding(11, { no_action_because: why })]) });
    expect(planSessionCleanup(found, config)).toMatchObject({
      steps: [],
      skipped: [{ object: 'pid 11', reason: why }],
    });
  });

  it('names the GRANT that is missing', () => {
    const grant = 'GRANT pg_signal_backend TO care';
    const hidden = { object: 'pid 9', reason: 'state_hidden', grant: 'GRANT pg_read_all_stats TO care' };
    const found = facts([session(11, { permitted: false })]);
    const plan = planSessionCleanup({ ...found, locks: report([], { unknown: [hidden] }) }, config);
    expect(plan).toMatchObject({
      steps: [],
      unknown: [hidden, { object: 'pid 11', reason: 'insufficient_privilege', grant }],
    });
  });

  it('rolls back the prepared transactions that are named, and no other', () => {
    const prepared = (gid: string, isHere: boolean): PreparedTransaction => ({
      gid,
      owner: 'app',
      preparedAt: start,
      seconds: 5.5,
      isHere,
      permitted: true,
      grant: null,
      rollbackSql: `ROLLBACK PREPARED '${gid}'`,
    });
    const stale = { kind: 'prepared_transaction', schema: null, name: 'prepared transaction other', table: null };
    const other = { ...finding(1), object: stale, evidence: { kind: 'prepared_transaction', gid: 'other' } };
    const plan = planSessionCleanup(
      facts([], { operations: report([other]), prepared: [prepared('here', true), prepared('elsewhere', false)] }),
      { ...config, rollback_prepared: ['here', 'elsewhere', 'gone'] },
    );
    expect(plan.steps).toMatchObject([
      { key: 'prepared transaction here', statements: [`ROLLBACK PREPARED 'here'`], reversible: false },
    ]);
    expect(plan.skipped).toEqual([
      { object: 'prepared transaction other', reason: 'not_named' },
      { object: 'prepared transaction elsewhere', reason: 'none_of_this_name_in_this_database' },
      { object: 'prepared transaction gone', reason: 'none_of_this_name_in_this_database' },
    ]);
  });
});
