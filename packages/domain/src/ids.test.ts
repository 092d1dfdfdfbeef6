import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { instantOfId, isTimeOrderedId, timeOrderedId } from './ids.ts';

const anyInstant = fc.date({ min: new Date(0), max: new Date(2 ** 48 - 1), noInvalidDate: true });
const anyRandom = fc.uint8Array({ minLength: 10, maxLength: 32 });

describe('timeOrderedId', () => {
  test('writes the example of RFC 9562', () => {
    const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
    const id = timeOrderedId(new Date('2022-02-22T19:22:22.000Z'), random);
    expect(id).toBe('017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
  });

  test('keeps its instant, and is the same for the same bytes', () => {
    fc.assert(
      fc.property(anyInstant, anyRandom, (at, random) => {
        const id = timeOrderedId(at, random);
        expect(isTimeOrderedId(id)).toBe(true);
        expect(instantOfId(id)).toEqual(at);
        expect(timeOrderedId(at, random.slice())).toBe(id);
      }),
    );
  });

  test('sorts as text by time', () => {
    fc.assert(
      fc.property(anyInstant, anyInstant, anyRandom, anyRandom, (a, b, first, second) => {
        fc.pre(a < b);
        expect(timeOrderedId(a, first) < timeOrderedId(b, second)).toBe(true);
      }),
    );
  });

  test('leaves the bytes it was given alone', () => {
    const random = new Uint8Array(10).fill(255);
    timeOrderedId(new Date(0), random);
    expect(random).toEqual(new Uint8Array(10).fill(255));
  });

  test('refuses too few bytes and instants it cannot hold', () => {
    expect(() => timeOrderedId(new Date(0), new Uint8Array(9))).toThrow(RangeError);
    expect(() => timeOrderedId(new Date(-1), new Uint8Array(10))).toThrow(RangeError);
    expect(() => timeOrderedId(new Date(Number.NaN), new Uint8Array(10))).toThrow(RangeError);
    expect(() => timeOrderedId(new Date(2 ** 48), new Uint8Array(10))).toThrow(RangeError);
  });
});

test.each([
  ['a random UUID', '9b2f6a3e-5a0e-4f6e-8d7f-0c5b1f0e2a11'],
  ['upper case', '017F22E2-79B0-7CC3-98C4-DC0C0C07398F'],
  ['another variant', '017f22e2-79b0-7cc3-c8c4-dc0c0c07398f'],
  ['a line after it', '017f22e2-79b0-7cc3-98c4-dc0c0c07398f\n'],
  ['a slug', 'daily-maintenance'],
  ['nothing', ''],
])('instantOfId throws on %s', (_, id) => {
  expect(isTimeOrderedId(id)).toBe(false);
  expect(() => instantOfId(id)).toThrow(RangeError);
});
