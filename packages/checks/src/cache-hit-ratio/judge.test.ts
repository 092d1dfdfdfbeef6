import { describe, expect, it } from 'vitest';
import { judgeCacheHitRatio } from './judge.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({ min_blocks: 1_000 });
const counters = (blocksHit: number, blocksRead: number, statsReset = '') => ({
  database: 'shop',
  blocksHit,
  blocksRead,
  statsReset,
});
const snapshot = (hour: number, blocksHit: number, blocksRead: number, statsReset = '') => ({
  at: new Date(Date.UTC(2026, 10, 30, hour)),
  values: { blocksHit, blocksRead, statsReset },
});

describe('cache_hit_ratio', () => {
  it('judges what was read between two looks, not since the server started', () => {
    const report = judgeCacheHitRatio(counters(1_000_500, 500), [snapshot(3, 1_000_000, 0)], config);
    expect(report.figures).toMatchObject({ ratio: 0.5, blocks_hit: 500, blocks_read: 500 });
    expect(report.findings).toMatchObject([{ fingerprint: 'database:shop', severity: 'warning' }]);
  });

  it('compares with the oldest look that no reset lies behind', () => {
    const earlier = [snapshot(3, 200, 10), snapshot(2, 100, 0), snapshot(1, 50_000, 900, 'before')];
    expect(judgeCacheHitRatio(counters(10_100, 100), earlier, config).figures).toMatchObject({
      blocks_hit: 10_000,
      since: '2026-11-30T02:00:00.000Z',
    });
  });

  it('finds nothing when shared buffers answer enough', () => {
    expect(judgeCacheHitRatio(counters(10_000, 100), [snapshot(1, 0, 0)], config)).toMatchObject({
      checked: 1,
      findings: [],
      unknown: [],
    });
  });

  it.each([
    ['there is no earlier look', [], /^no earlier look/],
    ['the counters were reset since', [snapshot(1, 20_000, 0)], /^no earlier look/],
    ['too little was read', [snapshot(1, 9_999, 99)], /^only 2 block reads/],
  ])('does not know when %s', (_, earlier, reason) => {
    const report = judgeCacheHitRatio(counters(10_000, 100), earlier, config);
    expect(report.unknown).toEqual([{ object: 'shop', reason: expect.stringMatching(reason), grant: null }]);
    expect(report).toMatchObject({ checked: 0, findings: [] });
  });
});
