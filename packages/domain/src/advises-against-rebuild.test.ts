import { expect, it } from 'vitest';
import type { EffectAdvice } from './advise-from-effects.ts';
import { advisesAgainstRebuild } from './advises-against-rebuild.ts';

const advice = (code: EffectAdvice['code'], changes: Partial<EffectAdvice> = {}): EffectAdvice => ({
  code,
  action: 'reindex',
  words: '',
  fillfactor: null,
  thresholdPercent: null,
  ...changes,
});
const index = { fillfactor: 90, wastePercent: 50 };

it('speaks against the rebuild of an index that settles at its size', () => {
  expect(advisesAgainstRebuild(advice('stop_rebuilding'), index)).toBe(true);
  expect(advisesAgainstRebuild(advice('stop_rebuilding'), { fillfactor: 60, wastePercent: null })).toBe(true);
});

it('lets an index whose fillfactor was lowered since be rebuilt, for that is how it comes to hold', () => {
  const lower = advice('set_fillfactor', { fillfactor: 70 });
  expect(advisesAgainstRebuild(lower, index)).toBe(true);
  expect(advisesAgainstRebuild(lower, { ...index, fillfactor: 71 })).toBe(true);
  expect(advisesAgainstRebuild(lower, { ...index, fillfactor: 70 })).toBe(false);
});

it('lets an index be rebuilt whose waste has reached the higher threshold', () => {
  const higher = advice('raise_threshold', { thresholdPercent: 55 });
  expect(advisesAgainstRebuild(higher, index)).toBe(true);
  expect(advisesAgainstRebuild(higher, { ...index, wastePercent: 55 })).toBe(false);
  expect(advisesAgainstRebuild(higher, { ...index, wastePercent: null })).toBe(false);
  expect(advisesAgainstRebuild(advice('raise_threshold'), index)).toBe(false);
  expect(advisesAgainstRebuild(advice('raise_threshold', { action: 'repack', thresholdPercent: 55 }), index)).toBe(
    false,
  );
});

it('has nothing against a rebuild for the sake of other work', () => {
  expect(advisesAgainstRebuild(advice('tune_autovacuum', { action: 'vacuum_full' }), index)).toBe(false);
});
