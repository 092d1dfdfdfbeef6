import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { indexDefinition } from '../../test/index-definition.ts';
import { coverOf, signatureOf } from './index-comparison.ts';
import type { IndexDefinition, KeyElement } from './index-definitions.ts';

const base = indexDefinition({ name: 'base' });
const signature = (given: Partial<IndexDefinition>, ...keys: Partial<KeyElement>[]): string =>
  signatureOf(indexDefinition({ name: 'other', ...given }, ...keys));

describe('what makes two indexes the same', () => {
  it.each<[string, Partial<IndexDefinition>, Partial<KeyElement>[]]>([
    ['another column', {}, [{ column: 2 }]],
    ['an expression', {}, [{ column: 0, expression: 'lower(a)' }]],
    ['one more column', {}, [{}, { column: 2 }]],
    ['an operator class', {}, [{ operatorClass: '2095/25/0' }]],
    ['a collation', {}, [{ collation: 950 }]],
    ['parameters of the operator class', {}, [{ parameters: ['siglen=60'] }]],
    ['an order', {}, [{ ordering: 3 }]],
    ['a method', { method: 'hash' }, []],
    ['an included column', { included: [2] }, []],
    ['a predicate', { predicate: '(a > 0)' }, []],
    ['uniqueness', { unique: true }, []],
    ['an exclusion constraint', { exclusion: '{96}' }, []],
    ['an option of the method', { storageOptions: ['pages_per_range=32'] }, []],
  ])('differs by %s', (_, given, keys) => {
    expect(signature(given, ...keys)).not.toBe(signatureOf(base));
  });

  it.each([
    ['the operators of exclusion constraints', { exclusion: '{96}' }, { exclusion: '{97}' }],
    ['when uniqueness is checked', { unique: true }, { unique: true, immediate: false }],
    ['whether NULLs are distinct', { unique: true }, { unique: true, nullsNotDistinct: true }],
  ])('differs by %s', (_, one, other) => {
    expect(signature(one)).not.toBe(signature(other));
  });

  it.each<[string, Partial<IndexDefinition>]>([
    ['its size and use', { sizeBytes: 1, scans: 5 }],
    ['whether NULLs are distinct while nothing is unique', { nullsNotDistinct: true }],
    ['an option that says what holds anyway', { storageOptions: ['fastupdate=TRUE', 'pages_per_range=128'] }],
  ])('does not differ by %s', (_, given) => {
    expect(signature(given)).toBe(signatureOf(base));
  });
});

describe('what does the work of another', () => {
  const narrow = (given: Partial<IndexDefinition>, ...keys: Partial<KeyElement>[]) =>
    indexDefinition({ name: 'narrow', ...given }, ...keys);
  const wide = (given: Partial<IndexDefinition>, ...keys: Partial<KeyElement>[]) =>
    indexDefinition({ name: 'wide', ...given }, ...keys);

  it.each<[string, IndexDefinition, IndexDefinition]>([
    ['leads the key', narrow({}), wide({}, {}, { column: 2 })],
    ['has the same key and more included', narrow({ included: [3] }), wide({ included: [2, 3] })],
    ['includes what the other has in its key', narrow({ included: [2] }), wide({}, {}, { column: 3 }, { column: 2 })],
    ['has the key of a unique one', narrow({}), wide({ unique: true })],
    ['has the same predicate', narrow({ predicate: '(b > 0)' }), wide({ predicate: '(b > 0)' }, {}, { column: 2 })],
    ['has the key of an exclusion constraint', narrow({ method: 'gist' }), wide({ method: 'gist', exclusion: '{96}' })],
  ])('%s', (_, narrower, wider) => {
    expect(coverOf(narrower, wider)).toBe('same_order');
    expect(coverOf(wider, narrower)).toBe(
      wider.keys.length === narrower.keys.length && wider.included.length === narrower.included.length
        ? 'same_order'
        : null,
    );
  });

  it.each<[string, IndexDefinition, IndexDefinition]>([
    ['its column is only included', narrow({}, { column: 2 }), wide({ included: [2] })],
    ['its column comes second', narrow({}, { column: 2 }), wide({}, {}, { column: 2 })],
    ['what it includes is missing', narrow({ included: [4] }), wide({}, {}, { column: 2 })],
    ['it is partial', narrow({ predicate: '(b > 0)' }), wide({}, {}, { column: 2 })],
    ['the other is partial', narrow({}), wide({ predicate: '(b > 0)' }, {}, { column: 2 })],
    ['the other has another method', narrow({ method: 'hash' }), wide({}, {}, { column: 2 })],
    ['its NULLs come first', narrow({}, { ordering: 2 }), wide({}, {}, { column: 2 })],
    ['only one of its columns is mirrored', narrow({}, { ordering: 3 }, { column: 2 }), wide({}, {}, { column: 2 })],
    [
      'expressions differ',
      narrow({}, { column: 0, expression: 'lower(a)' }),
      wide({}, { column: 0, expression: 'upper(a)' }),
    ],
    ['it is no btree and the other wider', narrow({ method: 'gin' }), wide({ method: 'gin' }, {}, { column: 2 })],
    [
      'it is summarised otherwise',
      narrow({ method: 'brin' }),
      wide({ method: 'brin', storageOptions: ['pages_per_range=1'] }),
    ],
  ])('does not when %s', (_, narrower, wider) => {
    expect(coverOf(narrower, wider)).toBeNull();
  });

  it('is read backwards when every column is mirrored', () => {
    const mirrored = wide({}, { ordering: 3 }, { column: 2 }, { column: 3 });
    expect(coverOf(narrow({}, { ordering: 0 }), mirrored)).toBe('mirrored_order');
    expect(coverOf(narrow({}, { ordering: 0 }, { column: 2, ordering: 3 }), mirrored)).toBe('mirrored_order');
  });

  it('is transitive: what covers the wider one covers the narrower one', () => {
    const column = fc.integer({ min: 1, max: 2 });
    const arbitrary = fc
      .record({
        keys: fc.array(fc.record({ column, ordering: fc.constantFrom(0, 3) }), { minLength: 1, maxLength: 3 }),
        included: fc.uniqueArray(column, { maxLength: 2 }),
      })
      .map(({ keys, included }) => indexDefinition({ name: 'any', included }, ...keys));
    fc.assert(
      fc.property(arbitrary, arbitrary, arbitrary, (a, b, c) => {
        if (coverOf(a, b) === null || coverOf(b, c) === null) return;
        expect(coverOf(a, c)).not.toBeNull();
      }),
      { numRuns: 3000 },
    );
  });
});
