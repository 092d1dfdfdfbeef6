import fc from 'fast-check';

/** Strings that have broken something somewhere. */
export const hostileStrings = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u2028\u202e\ufeff',
  '😀'.repeat(40),
  'x'.repeat(5_000),
  '"',
  "'; DROP TABLE jobs; --",
  't"; drop table x; --',
  '%00',
  '%s%n%x',
  '../../../etc/passwd',
  '{{7*7}}',
  '<script>alert(1)</script>',
  '\r\nset-cookie: a=b',
  '__proto__',
  'constructor',
  'null',
  'NaN',
  '-0',
  '1e999',
  '9223372036854775808',
  '2026-13-45T99:99:99Z',
  'infinity',
  '(a+)+$',
];

export const hostileString = fc.oneof(fc.constantFrom(...hostileStrings), fc.string({ unit: 'binary', maxLength: 60 }));

const hostileNumber = fc.oneof(
  fc.constantFrom(-1, 0, -0, 0.1, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 53, 2 ** 63, 1e21),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

/** JSON that nobody asked for. */
export const hostileJson: fc.Arbitrary<unknown> = fc.oneof(
  { maxDepth: 3, withCrossShrink: true },
  hostileString,
  hostileNumber,
  fc.constantFrom(null, true, false, [], {}),
  fc.jsonValue({ maxDepth: 3 }),
  fc.dictionary(hostileString, hostileString, { maxKeys: 3 }),
);
