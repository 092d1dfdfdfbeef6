import { describe, expect, it } from 'vitest';
import type { ReplicationFacts, Sender, ServerFacts, Slot, StandbyFacts, Subscription } from './facts.ts';
import { judgeReplication } from './judge.ts';
import { checkType } from './schema.ts';
import { parseSyncNames } from './sync-names.ts';

const config = checkType.config.parse({});
const now = new Date('2026-11-30T12:00:00Z');
const mb = 2 ** 20;

const server: ServerFacts = {
  serverVersion: 180_004,
  systemIdentifier: '7',
  timeline: 3,
  inRecovery: false,
  walPosition: 10_000 * mb,
  synchronousStandbyNames: '',
  synchronousCommit: 'on',
  commitsWaiting: 0,
  readStatsGrant: 'GRANT read',
};
const senderWith = (changes: Partial<Sender> = {}): Sender => ({
  pid: 1,
  user: 'replicator',
  applicationName: 'second',
  clientAddress: '10.0.0.2',
  hidden: false,
  state: 'streaming',
  syncState: 'async',
  slotType: 'physical',
  sentLagBytes: 0,
  flushLagBytes: 0,
  replayLagBytes: 0,
  replayLagSeconds: null,
  silentSeconds: 1,
  ...changes,
});
const slotWith = (changes: Partial<Slot> = {}): Slot => ({
  name: 'second',
  type: 'physical',
  database: null,
  temporary: false,
  active: true,
  synced: false,
  retainedBytes: 0,
  walStatus: 'reserved',
  safeWalBytes: null,
  conflicting: false,
  invalidationReason: null,
  inactiveSeconds: null,
  statement: "SELECT pg_catalog.pg_drop_replication_slot('second')",
  ...changes,
});
const standbyWith = (changes: Partial<StandbyFacts> = {}): StandbyFacts => ({
  serverVersion: 180_004,
  systemIdentifier: '7',
  inRecovery: true,
  receiverHidden: false,
  receiverStatus: 'streaming',
  senderHost: '10.0.0.1',
  receivedTimeline: 3,
  receivePosition: 10_000 * mb,
  replayPosition: 10_000 * mb,
  pauseState: 'not paused',
  replayedSeconds: 9_999,
  hotStandbyFeedback: false,
  restoresFromArchive: false,
  conflicts: 0,
  readStatsGrant: 'GRANT read',
  ...changes,
});
const subscriptionWith = (changes: Partial<Subscription> = {}): Subscription => ({
  name: 'orders',
  enabled: true,
  slotName: 'orders',
  workerRuns: true,
  silentSeconds: 1,
  tablesNotReady: 0,
  errors: 0,
  ...changes,
});

const judge = (facts: Partial<ReplicationFacts>, before: Record<string, Record<string, string | number>> = {}) =>
  judgeReplication(
    { server, itself: null, senders: [], slots: [], subscriptions: [], standbys: [], ...facts },
    { at: now, values: before },
    now,
    config,
  );
const problems = (facts: Parameters<typeof judge>[0], before: Parameters<typeof judge>[1] = {}) =>
  judge(facts, before).findings.map(({ fingerprint, severity, evidence }) => [
    fingerprint,
    severity,
    ...(evidence['problems'] as string[]),
  ]);
const onStandby = (changes: Partial<StandbyFacts>, before = {}) =>
  problems({ standbys: [{ name: 'b:5432/shop', facts: standbyWith(changes), unreachable: null }] }, before);

describe('replication', () => {
  it('says that nothing replicates, and that this is all right', () => {
    expect(judge({})).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [],
      figures: { role: 'primary', connected: 0, slots: 0, subscriptions: 0, expected_standbys: 0 },
    });
  });

  it('finds nothing where all is well', () => {
    const report = judge({
      senders: [senderWith()],
      slots: [slotWith()],
      subscriptions: [subscriptionWith()],
      standbys: [{ name: 'b:5432/shop', facts: standbyWith(), unreachable: null }],
    });
    expect(report).toMatchObject({ checked: 5, findings: [], unknown: [], skipped: [] });
  });

  it.each([
    ['lacks too much', { replayLagBytes: 257 * mb, replayLagSeconds: 2 }, [['standby second', 'warning', 'behind']]],
    ['is late', { replayLagBytes: 1, replayLagSeconds: 301 }, [['standby second', 'warning', 'behind']]],
    ['was late, and is not any more', { replayLagBytes: 0, replayLagSeconds: 301 }, []],
    ['lacks a little', { replayLagBytes: 256 * mb, replayLagSeconds: 300, state: 'catchup' }, []],
    ['has only just come', { state: 'startup', replayLagBytes: null }, []],
  ])('judges a standby that %s', (_, sender, found) => {
    expect(problems({ senders: [senderWith(sender)] })).toEqual(found);
  });

  it('judges standbys of one name once, by the one that lacks most', () => {
    const report = judge({ senders: [senderWith(), senderWith({ pid: 2, replayLagBytes: 300 * mb })] });
    expect(report).toMatchObject({
      checked: 3,
      findings: [{ evidence: { standbys_of_this_name: 2, replay_lag_bytes: 300 * mb } }],
    });
  });

  it.each([
    ['logical_consumer', { slotType: 'logical' as const }],
    ['base_backup', { state: 'backup' }],
  ])('leaves out what is no standby: %s', (reason, sender) => {
    const report = judge({ senders: [senderWith({ ...sender, replayLagBytes: 1e12 })] });
    expect(report).toMatchObject({ findings: [], skipped: [{ object: 'standby second', reason }] });
  });

  it('does not know what it may not see', () => {
    const report = judge({
      server: { ...server, synchronousStandbyNames: 'second' },
      senders: [senderWith({ hidden: true, state: null })],
      standbys: [
        { name: 'b:5432/shop', facts: standbyWith({ receiverHidden: true, receiverStatus: null }), unreachable: null },
        { name: 'c:5432/shop', facts: null, unreachable: 'unreachable' },
      ],
    });
    expect(report).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [
        { object: 'standby second', reason: 'insufficient_privilege', grant: 'GRANT read' },
        { object: 'synchronous_standby_names', reason: 'insufficient_privilege', grant: 'GRANT read' },
        { object: 'standby b:5432/shop', reason: 'insufficient_privilege', grant: 'GRANT read' },
        { object: 'standby c:5432/shop', reason: 'unreachable', grant: null },
      ],
    });
  });

  it.each([
    ['has lost WAL', { walStatus: 'lost', active: false }, ['critical', 'lost']],
    ['was invalidated', { invalidationReason: 'idle_timeout', active: false }, ['critical', 'lost']],
    ['conflicts with replay', { conflicting: true, active: false }, ['critical', 'lost']],
    ['is about to lose WAL', { walStatus: 'unreserved' }, ['critical', 'losing']],
    ['is read by nobody and keeps much', { active: false, retainedBytes: 1_025 * mb }, ['critical', 'inactive']],
    ['has not been read for long', { active: false, inactiveSeconds: 3_601 }, ['warning', 'inactive']],
    ['is not read just now', { active: false, inactiveSeconds: 5 }, ['info', 'inactive']],
    ['was never read', { active: false, retainedBytes: null, walStatus: null }, ['info', 'inactive']],
    ['is read and keeps much', { retainedBytes: 1_025 * mb, walStatus: 'extended' }, ['warning', 'retains']],
  ])('finds a slot that %s', (_, slot, found) => {
    const report = judge({ slots: [slotWith(slot)] });
    expect(report.findings.map(({ severity, evidence }) => [severity, ...(evidence['problems'] as string[])])).toEqual([
      found,
    ]);
    expect(report.findings[0]).toMatchObject({ action: null, object: { kind: 'slot', name: 'slot second' } });
    expect('statement' in (report.findings[0]?.evidence ?? {})).toBe('active' in slot);
  });

  it('remembers since when a slot has not been read, where the server does not tell', () => {
    const before = { inactive_since: { second: '2026-11-30T10:00:00.000Z', gone: '2026-11-30T10:00:00.000Z' } };
    const report = judge({ slots: [slotWith({ active: false })] }, before);
    expect(report.findings).toMatchObject([{ severity: 'warning', evidence: { inactive_seconds: 7_200 } }]);
    expect(report.snapshot).toMatchObject({ inactive_since: { second: '2026-11-30T10:00:00.000Z' } });
    expect(judge({ slots: [slotWith()] }, before).snapshot).toMatchObject({ inactive_since: {} });
  });

  it.each([
    ['temporary', { temporary: true }],
    ['synced_from_primary', { synced: true }],
  ])('leaves out a slot that is %s', (reason, slot) => {
    const report = judge({ slots: [slotWith({ active: false, ...slot })] });
    expect(report).toMatchObject({ findings: [], skipped: [{ object: 'slot second', reason }] });
  });

  it.each([
    ['second', 'on', []],
    ['*', 'on', []],
    ['SECOND', 'on', []],
    ['third', 'on', [['synchronous_standby_names', 'critical', 'commits_hang']]],
    ['third', 'local', [['synchronous_standby_names', 'warning', 'commits_hang']]],
    ['second, third', 'on', [['synchronous_standby_names', 'warning', 'names_nobody']]],
    ['FIRST 2 (second, third)', 'on', [['synchronous_standby_names', 'critical', 'commits_hang']]],
    ['ANY 2 (*)', 'on', [['synchronous_standby_names', 'critical', 'commits_hang']]],
  ])(
    'with one standby and %s asked for (synchronous_commit %s)',
    (synchronousStandbyNames, synchronousCommit, found) => {
      const facts = { server: { ...server, synchronousStandbyNames, synchronousCommit }, senders: [senderWith()] };
      expect(problems(facts)).toEqual(found);
    },
  );

  it.each([
    ['is another cluster', { systemIdentifier: '8', inRecovery: false }, 'critical', ['other_cluster']],
    ['was promoted', { inRecovery: false, receiverStatus: null, pauseState: null }, 'critical', ['not_a_standby']],
    ['receives nothing', { receiverStatus: null, replayPosition: 1 }, 'critical', ['not_streaming', 'behind']],
    ['follows another timeline', { receivedTimeline: 2 }, 'critical', ['other_timeline']],
    ['is paused', { pauseState: 'paused' }, 'warning', ['paused']],
    ['lacks much', { replayPosition: 9_000 * mb, replayedSeconds: 1 }, 'warning', ['behind']],
    ['is late', { replayPosition: 9_999 * mb, replayedSeconds: 301 }, 'warning', ['behind']],
    ['runs another release', { serverVersion: 180_003 }, 'info', ['other_version']],
  ])('finds a registered standby that %s', (_, standby, severity, found) => {
    expect(onStandby(standby)).toEqual([['standby b:5432/shop', severity, ...found]]);
  });

  it.each([
    ['idle for hours, with nothing left to replay', { replayedSeconds: 1e6 }],
    ['following by the archive', { receiverStatus: null, restoresFromArchive: true, receivedTimeline: null }],
    ['that cancelled queries before we first looked', { conflicts: 5 }],
  ])('does not find one %s', (_, standby) => {
    expect(onStandby(standby)).toEqual([]);
  });

  it('finds queries that replay cancelled since the last look', () => {
    const before = { conflicts: { 'b:5432/shop': 3 } };
    expect(onStandby({ conflicts: 5 }, before)).toEqual([['standby b:5432/shop', 'warning', 'conflicts']]);
    expect(onStandby({ conflicts: 3 }, before)).toEqual([]);
    const unreachable = judge({ standbys: [{ name: 'b:5432/shop', facts: null, unreachable: 'unreachable' }] }, before);
    expect(unreachable.snapshot).toMatchObject(before);
  });

  it('judges the server itself where it is a standby', () => {
    const report = judge({
      server: { ...server, inRecovery: true, timeline: null, synchronousStandbyNames: 'nobody' },
      itself: standbyWith({ replayPosition: 1, replayedSeconds: 400 }),
      subscriptions: [subscriptionWith({ workerRuns: false })],
    });
    expect(report).toMatchObject({
      findings: [{ fingerprint: 'standby this server', evidence: { problems: ['behind'], lag_seconds: 400 } }],
      skipped: [{ object: 'subscription orders', reason: 'on_a_standby' }],
      figures: { role: 'standby' },
    });
  });

  it.each([
    ['does not run', { workerRuns: false, errors: 2 }, ['critical', 'not_running']],
    ['fails and starts again', { errors: 2 }, ['warning', 'errors']],
    ['is disabled', { enabled: false, workerRuns: false, errors: null }, ['info', 'disabled']],
    ['was disabled by an error', { enabled: false, workerRuns: false, errors: 1 }, ['warning', 'disabled']],
  ])('finds a subscription that %s', (_, subscription, found) => {
    expect(problems({ subscriptions: [subscriptionWith(subscription)] })).toEqual([['subscription orders', ...found]]);
  });

  it('counts errors since the last look only', () => {
    const subscriptions = [subscriptionWith({ errors: 7 })];
    expect(problems({ subscriptions }, { errors: { orders: 7 } })).toEqual([]);
    expect(problems({ subscriptions }, { errors: { orders: 9 } })).toEqual([
      ['subscription orders', 'warning', 'errors'],
    ]);
  });
});

describe('synchronous_standby_names', () => {
  it.each([
    ['', null],
    ['  ', null],
    ['a', { required: 1, names: ['a'] }],
    ['a, b', { required: 1, names: ['a', 'b'] }],
    ['2 (a,b,c)', { required: 2, names: ['a', 'b', 'c'] }],
    ['any 2 (a, "we""ird, (x)")', { required: 2, names: ['a', 'we"ird, (x)'] }],
    ['FIRST 1 (*)', { required: 1, names: ['*'] }],
    ['first', { required: 1, names: ['first'] }],
  ])('%s', (setting, names) => {
    expect(parseSyncNames(setting)).toEqual(names);
  });
});
