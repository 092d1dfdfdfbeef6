import { expect, it } from 'vitest';
import { areSame, arrayText, extendNames, packFigures, unpackFigures } from './figures.ts';

it('names only grow, so that older arrays stay readable', () => {
  const names = extendNames([], { scans: 1, rows: 2 });
  expect(names).toEqual(['scans', 'rows']);
  expect(extendNames(names, { rows: 1 })).toBe(names);
  const later = extendNames(names, { blocks: 1, rows: 2 });
  expect(later).toEqual(['scans', 'rows', 'blocks']);
  expect(unpackFigures(later, packFigures(names, { scans: 1, rows: 2 }))).toEqual({ scans: 1, rows: 2 });
});

it('figures come back as they were, without those that were not there', () => {
  const names = ['scans', 'rows', 'blocks'];
  expect(packFigures(names, { blocks: 3, scans: 0 })).toEqual([0, null, 3]);
  expect(unpackFigures(names, [0, null, 3])).toEqual({ scans: 0, blocks: 3 });
});

it('are the same when every one is', () => {
  expect(areSame([1, null], [1, null])).toBe(true);
  expect(areSame([1, null], [1, 0])).toBe(false);
  expect(areSame([1], [1, null])).toBe(false);
});

it('are written as PostgreSQL reads an array', () => {
  expect(arrayText([1, null, 0.5, 1e21])).toBe('{1,NULL,0.5,1e+21}');
  expect(arrayText([])).toBe('{}');
});
