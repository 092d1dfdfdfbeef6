import { describe, expect, it } from 'vitest';
import { judgeAdvisoryLocks } from './judge.ts';
import type { HeldLock, HoldingSession } from './read.ts';
import { checkType } from './schema.ts';

const now = new Date('2026-11-30T12:00:00Z');
const config = checkType.config.parse({});

const lock = (session: Partial<HoldingSession> = {}, changes: Partial<HeldLock> = {}): HeldLock => ({
  key: '42',
  modes: ['ExclusiveLock'],
  session: {
    pid: 7,
    hidden: false,
    backendStart: '2026-11-30 11:00:00+00',
    user: 'app',
    applicationName: 'shop',
    clientAddress: '10.0.0.1',
    backendType: 'client backend',
    state: 'idle',
    stateSeconds: 301,
    transactionSeconds: null,
    query: "SELECT pg_advisory_lock(hashtext('secret'))",
    refusal: null,
    endSql: 'SELECT 1',
    ...session,
  },
  prepared: null,
  waiters: 0,
  longestWaitSeconds: null,
  ...changes,
});

const judge = (
  locks: readonly HeldLock[],
  changes: Partial<typeof config> = {},
  earlier: Record<string, string> = {},
) =>
  judgeAdvisoryLocks(
    { locks, waiting: 0, readStatsGrant: 'GRANT read', signalGrant: 'GRANT signal' },
    { at: now, values: { first_seen_at: earlier } },
    now,
    { ...config, ...changes },
  );

describe('stale_advisory_lock', () => {
  it('finds a holder that has been idle for too long', () => {
    const report = judge([lock()]);
    expect(report).toMatchObject({
      checked: 1,
      findings: [
        {
          fingerprint: 'pid 7, advisory lock 42, since 2026-11-30 11:00:00+00',
          severity: 'warning',
          summary: 'Session 7 (user app, application "shop") holds advisory lock 42 and has been idle for 5 minutes',
          evidence: { lock_scope: 'session', last_statement: 'SELECT pg_advisory_lock(hashtext(?))' },
          action: { sql: ['SELECT 1'], class: 'never_retry', lockMode: null },
        },
      ],
    });
  });

  it('is alarmed when somebody waits', () => {
    const report = judge([
      lock({ state: 'idle in transaction', transactionSeconds: 900 }, { waiters: 2, longestWaitSeconds: 61.5 }),
    ]);
    expect(report.findings).toMatchObject([
      {
        severity: 'critical',
        summary: expect.stringMatching(/2 sessions wait for it$/),
        evidence: { lock_scope: 'session or transaction', waiters: 2, longest_wait_seconds: 61 },
      },
    ]);
  });

  it.each([
    ['is at work', { state: 'active', stateSeconds: 9_000 }],
    ['has been idle for no longer than the limit', { stateSeconds: 300 }],
    ['calls a function', { state: 'fastpath function call', stateSeconds: 9_000 }],
  ])('finds nothing where the holder %s', (_, session) => {
    expect(judge([lock(session)])).toMatchObject({ checked: 1, findings: [], skipped: [], unknown: [] });
  });

  it.each([
    ['an application that may', lock({ applicationName: 'slacktide/task/9' }), 'ignored_application'],
    ['one that may, unseen', lock({ applicationName: 'slacktide/task/9', hidden: true }), 'ignored_application'],
    ['a background worker', lock({ backendType: 'logical replication worker' }), 'not_a_client'],
    ['a key that may be held', lock({}, { key: '7,8' }), 'ignored_key'],
  ])('skips %s', (_, held, reason) => {
    const report = judge([held], { ignore_keys: ['7,%'] });
    expect(report).toMatchObject({ checked: 0, findings: [], unknown: [], skipped: [{ reason }] });
  });

  it.each([
    ['hidden', { hidden: true, backendStart: null, state: null, backendType: null }, 'state_hidden', 'GRANT read'],
    ['not tracked', { state: 'disabled', stateSeconds: null }, 'track_activities_off', null],
  ])('does not know when the state is %s', (_, session, reason, grant) => {
    expect(judge([lock(session)])).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [{ object: 'pid 7, advisory lock 42', reason, grant }],
    });
  });

  it.each([
    ['superuser' as const, undefined],
    ['not_granted' as const, 'GRANT signal'],
  ])('proposes nothing that the server would refuse (%s)', (refusal, grant) => {
    const [finding] = judge([lock({ refusal })]).findings;
    expect(finding).toMatchObject({ action: null, evidence: { no_action_because: expect.any(String) } });
    expect(finding?.evidence['grant']).toBe(grant);
  });

  it('remembers since when a lock has been seen, as long as it is held', () => {
    const first = 'pid 7, advisory lock 42, since 2026-11-30 11:00:00+00';
    const report = judge([lock(), lock({}, { key: '43' })], {}, { [first]: '2026-11-29T12:00:00.000Z', gone: 'x' });
    expect(report.findings.map(({ evidence }) => evidence['first_seen_at'])).toEqual([
      '2026-11-29T12:00:00.000Z',
      '2026-11-30T12:00:00.000Z',
    ]);
    expect(Object.keys(Object(report.snapshot?.['first_seen_at']))).toHaveLength(2);
  });

  it('tells once of a session that holds very many keys', () => {
    const locks = Array.from({ length: 5_000 }, (_, key) => lock({}, { key: `${key}` }));
    const report = judge(locks, { ignore_keys: ['9%'] });
    expect(report.findings).toMatchObject([
      { object: { name: 'pid 7, advisory locks' }, evidence: { key_count: 4_889, keys: { length: 20 } } },
    ]);
    expect(report).toMatchObject({ checked: 4_889, skipped: [{ object: 'pid 7, advisory locks' }] });
  });
});
