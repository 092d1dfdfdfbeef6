import { expect, it } from 'vitest';
import { confirmSightings, type Work } from './invalid-indexes.ts';

const sighting = (work: Work, oid = 1) => ({ oid, schema: 's', name: 'x', table: 't', work, locked: false });

it.each([
  ['none', 'none', 'none'],
  ['running', 'none', 'running'],
  ['none', 'running', 'running'],
  ['hidden', 'none', 'hidden'],
  ['none', 'hidden', 'hidden'],
  ['hidden', 'running', 'running'],
] as const)('an index with %s, then %s at work on it counts as %s', (before, now, expected) => {
  expect(confirmSightings([sighting(before)], [sighting(now)])).toEqual([sighting(expected)]);
});

it('takes what came into being between the looks for work in progress, and forgets what went', () => {
  expect(confirmSightings([sighting('none', 1)], [sighting('none', 2)])).toEqual([sighting('running', 2)]);
});
