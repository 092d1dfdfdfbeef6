import { describe, expect, it } from 'vitest';
import { type HangingBuildFacts, judgeIndexBuilds } from './judge.ts';
import type { Blocker } from './read-blockers.ts';
import type { Build } from './read-builds.ts';
import { checkType } from './schema.ts';
import { snapshotOf } from './standstill.ts';

const config = checkType.config.parse({});
const now = new Date('2026-11-30T12:00:00Z');
const ago = (minutes: number) => new Date(now.getTime() - 60_000 * minutes);

const waiting: Build = {
  pid: 10,
  backendStart: '2026-11-30 10:00:00+00',
  user: 'app',
  applicationName: 'migrate',
  command: 'CREATE INDEX CONCURRENTLY',
  phase: 'waiting for old snapshots',
  schema: 'shop',
  table: 'orders',
  quotedTable: 'shop.orders',
  index: { oid: 7, name: 'orders_n', quoted: 'shop.orders_n' },
  lockersTotal: 3,
  lockersDone: 1,
  lockerPid: 20,
  blocksTotal: 0,
  blocksDone: 0,
  tuplesTotal: 0,
  tuplesDone: 0,
  partitionsDone: 0,
  waitEventType: 'Lock',
  waitEvent: 'virtualxid',
  lockWaitSeconds: 601,
  runningSeconds: 700,
  query: 'CREATE INDEX CONCURRENTLY orders_n ON shop.orders (n)',
};
const working: Build = {
  ...waiting,
  phase: 'building index: scanning table',
  lockerPid: null,
  blocksTotal: 100,
  blocksDone: 40,
  waitEventType: null,
  waitEvent: null,
  lockWaitSeconds: null,
};
const idle: Blocker = {
  build: 10,
  depth: 1,
  pid: 20,
  preparedTransaction: null,
  waitsFor: [],
  hidden: false,
  user: 'app',
  applicationName: 'web',
  backendType: 'client backend',
  state: 'idle in transaction',
  stateSeconds: 900,
  transactionSeconds: 1_000,
  waitEventType: 'Client',
  query: `SELECT 'secret'`,
  refusal: null,
  endSql: 'SELECT 1',
};

function judge(
  builds: Build[],
  facts: Partial<HangingBuildFacts> = {},
  earlier: { minutes: number; build: Build }[] = [],
) {
  return judgeIndexBuilds(
    {
      inRecovery: false,
      database: 'shop',
      builds,
      hidden: [],
      readStatsGrant: 'GRANT pg_read_all_stats TO x',
      serverVersion: 180_000,
      blockers: [idle],
      signalGrant: 'GRANT pg_signal_backend TO x',
      ...facts,
    },
    earlier.map(({ minutes, build }) => ({ at: ago(minutes), values: snapshotOf([build]) })),
    now,
    config,
  );
}

describe('hanging_index_build', () => {
  it('goes by how long the server says that one lock is waited for', () => {
    expect(judge([waiting]).findings).toMatchObject([
      { fingerprint: 'index:shop.orders_n', evidence: { waited_seconds: 601 }, action: { sql: ['SELECT 1'] } },
    ]);
    expect(judge([{ ...waiting, lockWaitSeconds: 599 }])).toMatchObject({
      findings: [],
      figures: { active_builds: 1, hanging_builds: 0 },
    });
  });

  it('shows no literal of anybody', () => {
    expect(JSON.stringify(judge([waiting]))).not.toContain('secret');
  });

  it.each<[string, Partial<Build>, number, number]>([
    ['is where it was', {}, 11, 1],
    ['is where it was, not for long', {}, 9, 0],
    ['waits for another session', { lockerPid: 21 }, 11, 0],
    ['has seen one more end', { lockersDone: 0 }, 11, 0],
    ['is another session with the same pid', { backendStart: '2026-11-30 09:00:00+00' }, 11, 0],
    ['is in another phase', { phase: 'waiting for writers before build' }, 11, 0],
  ])('goes by its own looks where the server does not tell: it %s', (_, before, minutes, expected) => {
    const build = { ...waiting, lockWaitSeconds: null };
    expect(judge([build], {}, [{ minutes, build: { ...build, ...before } }]).findings).toHaveLength(expected);
  });

  it.each<[string, Build, [minutes: number, before: Partial<Build>][], number]>([
    [
      'has stood still at three looks',
      working,
      [
        [30, {}],
        [60, {}],
      ],
      1,
    ],
    ['has stood still at two looks only', working, [[90, {}]], 0],
    [
      'has not stood still for long',
      working,
      [
        [20, {}],
        [40, {}],
      ],
      0,
    ],
    [
      'moved in between',
      working,
      [
        [30, { blocksDone: 39 }],
        [90, {}],
      ],
      0,
    ],
    [
      'waited for I/O in between',
      working,
      [
        [30, { waitEventType: 'IO' }],
        [90, {}],
      ],
      0,
    ],
    [
      'waits for I/O',
      { ...working, waitEventType: 'IO' },
      [
        [30, {}],
        [90, {}],
      ],
      0,
    ],
    [
      'sorts, which is not counted',
      { ...working, blocksDone: 100 },
      [
        [30, {}],
        [90, {}],
      ],
      0,
    ],
  ])('a build at work that %s', (_, build, looks, expected) => {
    const earlier = looks.map(([minutes, before]) => ({ minutes, build: { ...build, ...before } }));
    expect(judge([build], {}, earlier).findings).toHaveLength(expected);
  });

  it.each<[string, Blocker[], RegExp]>([
    ['works', [{ ...idle, state: 'active' }], /is active/],
    ['idles outside a transaction', [{ ...idle, state: 'idle' }], /is idle, not idle in a transaction/],
    ['cannot be seen', [{ ...idle, hidden: true, state: null, backendType: null }], /cannot see/],
    ['is no client', [{ ...idle, backendType: 'walsender' }], /walsender/],
    ['is ours', [{ ...idle, applicationName: 'slacktide/7/1' }], /our own/],
    ['is a superuser’s', [{ ...idle, refusal: 'superuser' }], /superuser/],
    ['is prepared', [{ ...idle, pid: null, preparedTransaction: 'x' }], /"x"/],
    ['is one of two', [idle, { ...idle, pid: 21 }], /2 are at the root/],
    ['is gone', [], /nobody/],
    ['waits in a circle', [{ ...idle, waitsFor: [10] }], /nobody/],
  ])('proposes nothing where the root %s', (_, blockers, because) => {
    expect(judge([waiting], { blockers }).findings).toMatchObject([
      { action: null, evidence: { no_action_because: expect.stringMatching(because) } },
    ]);
  });

  it('makes one finding of builds that cannot be told apart, and tells them all', () => {
    const first = { ...waiting, command: 'CREATE INDEX', index: null };
    const report = judge([first, { ...first, pid: 11, lockWaitSeconds: 900 }]);
    expect(report.findings).toMatchObject([
      {
        fingerprint: 'table:shop.orders',
        object: { kind: 'table', name: 'orders' },
        evidence: { pid: 11, also_hanging_pids: [10] },
      },
    ]);
    expect(report.figures).toMatchObject({ hanging_builds: 2 });
  });

  it.each([
    [140_000, true],
    [140_003, true],
    [140_004, false],
    [180_000, false],
  ])('on %i concurrent builds may corrupt: %s', (serverVersion, expected) => {
    const report = judge([waiting], { serverVersion });
    expect(report.figures['concurrent_builds_may_corrupt']).toBe(expected);
    expect(report.findings[0]?.evidence['corruption_risk'] !== undefined).toBe(expected);
  });

  it('keeps a look only where something is built', () => {
    expect(judge([])).toMatchObject({ checked: 0, findings: [] });
    expect(judge([]).snapshot).toBeUndefined();
    expect(judge([waiting]).snapshot).toMatchObject({ builds: [{ pid: 10, locker_pid: 20 }] });
  });

  it('does not know of builds that it cannot see', () => {
    expect(judge([], { hidden: [{ pid: 10, tables: [] }] })).toMatchObject({
      checked: 0,
      unjudged: 'all',
      unknown: [{ object: 'session 10', grant: 'GRANT pg_read_all_stats TO x' }],
    });
  });

  it('has nothing to find on a standby', () => {
    expect(judge([], { inRecovery: true })).toMatchObject({ skipped: [{ object: 'shop' }], findings: [] });
  });
});
