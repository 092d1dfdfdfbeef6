import type { NodeUsage } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { judgeUsage } from './judge-usage.ts';

const now = new Date('2026-11-30T12:00:00Z');
const hourMs = 3_600_000;
const on = (node: string, { scans = 0, days = 40, silentHours = 1 } = {}): NodeUsage => {
  const lastSampledAt = new Date(now.getTime() - silentHours * hourMs);
  return { node, scans, lastSampledAt, observedSince: new Date(lastSampledAt.getTime() - days * 24 * hourMs) };
};
const judge = (...nodes: readonly NodeUsage[]) =>
  judgeUsage({ oid: 1, nodes }, { nodes: ['primary', 'b:5432/shop'], days: 35, now });

describe('judgeUsage', () => {
  it.each([
    ['unused on all nodes', [on('primary'), on('b:5432/shop')], undefined],
    ['used on the primary', [on('primary', { scans: 1 }), on('b:5432/shop')], 'used'],
    ['used on a standby', [on('primary'), on('b:5432/shop', { scans: 1 })], 'used'],
    [
      'used on a node that is no standby any more',
      [on('primary'), on('b:5432/shop'), on('old:5432/shop', { scans: 1 })],
      'used',
    ],
    ['a standby that nobody sampled', [on('primary')], 'node_unseen'],
    ['a standby that was not sampled of late', [on('primary'), on('b:5432/shop', { silentHours: 27 })], 'node_unseen'],
    ['a span that is too short', [on('primary', { days: 34.9 }), on('b:5432/shop')], 'observation_too_short'],
    ['nothing known at all', [], 'node_unseen'],
  ] as const)('tells %s', (_what, nodes, reason) => {
    expect(judge(...nodes)).toMatchObject(reason === undefined ? { kind: 'unused' } : { kind: 'kept', reason });
  });

  it('knows nothing of an index that was never sampled', () => {
    expect(judgeUsage(undefined, { nodes: ['primary'], days: 35, now })).toMatchObject({
      kind: 'kept',
      reason: 'node_unseen',
    });
  });
});
