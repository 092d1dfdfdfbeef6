import { describe, expect, it } from 'vitest';
import { judgeCheckpoints } from './judge.ts';
import type { CheckpointCounters, CheckpointFacts } from './read.ts';
import { type CheckpointPressureConfig, checkType } from './schema.ts';
import { snapshotOf } from './window.ts';

const hourMs = 3_600_000;
const nowMs = Date.UTC(2026, 10, 30, 12);
const gib = 2 ** 30;

function facts(counters: Partial<CheckpointCounters> = {}, others: Partial<CheckpointFacts> = {}): CheckpointFacts {
  return {
    inRecovery: false,
    resetMs: 0,
    nowMs,
    counters: { timed: 0, requested: 0, done: null, writeMs: 0, syncMs: 0, buffersWritten: 0, ...counters },
    walPosition: 0,
    maxWalSizeBytes: gib,
    checkpointTimeoutSeconds: 300,
    completionTarget: 0.9,
    ...others,
  };
}

function look(hoursAgo: number, then: CheckpointFacts) {
  const atMs = nowMs - hoursAgo * hourMs;
  return { at: new Date(atMs), values: JSON.parse(JSON.stringify(snapshotOf({ ...then, nowMs: atMs }))) };
}

const judge = (latest: CheckpointFacts, earlier = [look(5, facts())], config: Partial<CheckpointPressureConfig> = {}) =>
  judgeCheckpoints(latest, earlier, checkType.config.parse(config));

describe('checkpoint_pressure', () => {
  it.each([
    ['a fifth, as may be', { timed: 80, requested: 20 }, []],
    ['more than a fifth', { timed: 79, requested: 21 }, ['cluster:requested_checkpoints']],
    [
      'those that were skipped for want of work do not count where the server counts those done',
      { timed: 79, requested: 21, done: 200 },
      [],
    ],
    ['on an idle server most were skipped', { timed: 280, requested: 10, done: 20 }, ['cluster:requested_checkpoints']],
    [
      'longer than the time between them',
      { timed: 100, writeMs: 29_000_000, syncMs: 1_001_000 },
      ['cluster:long_checkpoints'],
    ],
    ['as long as they should', { timed: 100, writeMs: 27_000_000, syncMs: 100_000 }, []],
  ])('judges: %s', (_, counters, fingerprints) => {
    const before = look(5, facts({ done: 'done' in counters ? 0 : null }));
    const { findings } = judge(facts(counters, { walPosition: 100 * gib }), [before]);
    expect(findings.map(({ fingerprint }) => fingerprint)).toEqual(fingerprints);
  });

  it('says how much max_wal_size the WAL of the window asks for', () => {
    const { findings, figures } = judge(facts({ timed: 10, requested: 90 }, { walPosition: 120 * gib }));
    expect(findings).toMatchObject([
      {
        severity: 'warning',
        object: { kind: 'cluster', name: 'checkpoints' },
        summary: expect.stringMatching(
          /^90 of 100 checkpoints .*\(90 %\) came before their time: max_wal_size is 1024 MiB/,
        ),
        evidence: {
          cause: 'wal',
          requested_percent: 90,
          checkpoints_by_wal: 228,
          suggested_max_wal_size_mb: 4096,
          max_wal_size_mb: 1024,
          no_action_because: expect.any(String),
        },
        action: null,
      },
    ]);
    expect(figures).toMatchObject({ checkpoints: 100, hours: 5, restartpoints: false });
  });

  it('does not blame max_wal_size for what commands asked for', () => {
    expect(judge(facts({ timed: 10, requested: 90 }, { walPosition: 10 * gib })).findings).toMatchObject([
      { severity: 'info', evidence: { cause: 'commands', suggested_max_wal_size_mb: null } },
    ]);
  });

  it('counts between two looks, and not over a reset or a failover', () => {
    const now = facts({ timed: 100, requested: 100 });
    const before = look(4, facts({ timed: 10, requested: 90 }));
    expect(judge(now, [before]).figures).toMatchObject({ timed: 90, requested: 10 });
    const useless = [
      look(9, facts({}, { resetMs: 1 })),
      look(8, facts({ requested: 101 })),
      look(7, facts({}, { inRecovery: true })),
      look(6, facts({}, { walPosition: 1 })),
    ].reverse();
    expect(judge(now, [before, ...useless]).figures).toMatchObject({
      requested: 10,
      since: '2026-11-30T08:00:00.000Z',
    });
    expect(judge(now, useless)).toMatchObject({ checked: 0, unknown: [{ reason: 'no earlier look to compare with' }] });
  });

  it('knows at the first look what was counted since the counters began, but not how much WAL that was', () => {
    const young = facts({ timed: 10, requested: 90 }, { resetMs: nowMs - hourMs, walPosition: gib });
    expect(judge(young, []).findings).toMatchObject([
      { severity: 'warning', evidence: { cause: 'unknown', wal_bytes: null, suggested_max_wal_size_mb: null } },
    ]);
  });

  it('does not judge a handful', () => {
    expect(judge(facts({ requested: 9 }))).toMatchObject({
      checked: 0,
      findings: [],
      unknown: [{ object: 'checkpoints', reason: expect.stringMatching(/^only 9 checkpoints/), grant: null }],
      figures: { requested: 9 },
    });
  });
});
