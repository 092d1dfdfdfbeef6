import { describe, expect, it } from 'vitest';
import { type CareDecisionInput, decideCareFollowUps } from './care-follow-ups.ts';
import { careSettings, defaultCareSettings } from './care-settings.ts';

const now = new Date('2026-11-30T10:00:00Z');
const found = {
  orphanedIndexes: 1,
  invalidIndexes: 2,
  staleAdvisoryLocks: 3,
  unusedIndexes: 4,
  bloatedIndexes: 5,
  staleTables: 6,
};
const nothing = {
  orphanedIndexes: 0,
  invalidIndexes: 0,
  staleAdvisoryLocks: 0,
  unusedIndexes: 0,
  bloatedIndexes: 0,
  staleTables: 0,
};

function decide(features: object, changes: Partial<CareDecisionInput> = {}, operational: object = {}) {
  const settings = careSettings.parse({ operational, features });
  return decideCareFollowUps({ settings, found, earlier: [], now, force: false, ...changes });
}
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);
const rebuilt = (days: number, open = false) => [{ type: 'INDEX_REBUILD', askedAt: daysAgo(days), open }];

describe('decideCareFollowUps', () => {
  it('sets nothing off by default but fresh planner statistics', () => {
    const decisions = decideCareFollowUps({
      settings: defaultCareSettings,
      found,
      earlier: [],
      now,
      force: true,
    });
    expect(Object.entries(decisions).filter(([, { kind }]) => kind === 'set_off')).toEqual([
      ['STATISTICS_UPDATE', expect.anything()],
    ]);
    expect(decisions['INDEX_REBUILD']).toEqual({ kind: 'left', reason: 'switched_off' });
  });

  it('sets off what is switched on and was found, with the limits of the settings, in the window', () => {
    const decisions = decide(
      {
        invalid_index_cleanup: { auto_cleanup: true },
        advisory_lock_cleanup: { auto_cleanup: true },
        index_cleanup: { auto_cleanup: true, max_drops: 2 },
        index_health: { auto_reindex: true, max_minutes: 30, max_total_mb: 512 },
      },
      {},
      { maintenance_window: { start_hour: 22, end_hour: 4 } },
    );
    const window = { startHour: 22, endHour: 4 };
    expect(decisions).toMatchObject({
      LEFTOVER_CLEANUP: {
        kind: 'set_off',
        followUp: { window, reason: 'care found 2 leftovers of indexes', config: { checks: ['invalid_index'] } },
      },
      SESSION_CLEANUP: { followUp: { config: { stale_locks: true, idle_in_transaction: false } } },
      INDEX_OPTIMIZE: { followUp: { config: { rebuild: false, drop_unused: true, max_drops: 2 } } },
      INDEX_REBUILD: { followUp: { config: { bloat_threshold: 20, max_total_mb: 512 }, timeLimitSeconds: 1_800 } },
    });
  });

  it('sets nothing off where nothing was found', () => {
    const decisions = decide({ index_health: { auto_reindex: true } }, { found: nothing });
    expect(decisions['INDEX_REBUILD']).toEqual({ kind: 'left', reason: 'nothing_found' });
    expect(decisions['STATISTICS_UPDATE']).toEqual({ kind: 'left', reason: 'nothing_found' });
  });

  it('rebuilds nothing where all that was found is not worth it, and says so', () => {
    const features = { index_health: { auto_reindex: true } };
    expect(decide(features, { found: nothing, advisedAgainst: 2, force: true })['INDEX_REBUILD']).toEqual({
      kind: 'left',
      reason: 'advised_against',
    });
    expect(decide(features, { found: nothing, advisedAgainst: 2 })['STATISTICS_UPDATE']).toEqual({
      kind: 'left',
      reason: 'nothing_found',
    });
    expect(decide(features, { advisedAgainst: 2 })['INDEX_REBUILD']).toMatchObject({
      followUp: { reason: 'care found 5 bloated indexes' },
    });
  });

  it.each([
    ['weekly', 6, 'not_due'],
    ['weekly', 7, null],
    ['monthly', 20, 'not_due'],
    ['monthly', 28, null],
    ['on_demand', 400, 'on_demand'],
  ] as const)('rebuilds %s: %i days after the last time %s', (reindex_schedule, days, left) => {
    const features = { index_health: { auto_reindex: true, reindex_schedule } };
    const { INDEX_REBUILD: decision } = decide(features, { earlier: rebuilt(days) });
    expect(decision).toMatchObject(left === null ? { kind: 'set_off' } : { kind: 'left', reason: left });
    expect(decide(features, { earlier: rebuilt(days), force: true })['INDEX_REBUILD']).toMatchObject({
      kind: 'set_off',
    });
    expect(decide(features, { earlier: rebuilt(days, true), force: true })['INDEX_REBUILD']).toEqual({
      kind: 'left',
      reason: 'under_way',
    });
  });
});
