import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareDecimals, isDecimal } from './decimal.ts';

describe('isDecimal', () => {
  it.each(['0', '-1', '+1.50', '.5', '5.', '1e10', '1.5E-300', '9'.repeat(200)])('%s is one', (text) => {
    expect(isDecimal(text)).toBe(true);
  });

  it.each(['', '.', '-', 'NaN', 'Infinity', '1e1000', '0x10', '1_000', '1,5', ' 1', '1 ', '١', '1;', '9'.repeat(201)])(
    '%j is none',
    (text) => expect(isDecimal(text)).toBe(false),
  );
});

describe('compareDecimals', () => {
  it.each([
    ['1.0', '1', 0],
    ['0.1', '.10', 0],
    ['1e2', '100', 0],
    ['-0', '0', 0],
    ['9007199254740993', '9007199254740992', 1],
    ['0.30000000000000004', '0.3', 1],
    ['-1', '1', -1],
    ['1e-300', '0', 1],
    ['1e300', '1e299', 1],
  ])('%s to %s is %i', (a, b, expected) => expect(compareDecimals(a, b)).toBe(expected));

  it('is the order of integers, and turns with its arguments', () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), fc.integer({ min: 0, max: 30 }), (a, b, shift) => {
        const expected = a < b ? -1 : Number(a > b);
        expect(compareDecimals(`${a}e${shift}`, `${b}e${shift}`)).toBe(expected);
        expect(compareDecimals(`${b}`, `${a}`)).toBe(expected === 0 ? 0 : -expected);
      }),
    );
  });

  it('throws at what is no decimal', () => expect(() => compareDecimals('NaN', '1')).toThrow(RangeError));
});
