import fc from 'fast-check';
import { expect, it } from 'vitest';
import { plainName } from './plain-name.ts';

const quote = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`);

it('takes the quotes from a name as the server prints it', () => {
  expect(plainName('public.orders')).toBe('public.orders');
  expect(plainName('public."We""ird; --"')).toBe('public.We"ird; --');
  expect(plainName('"a.b"."c.d"')).toBe('a.b.c.d');
});

it('knows what is no such name', () => {
  for (const name of ['', 'public.', '.orders', 'Public.orders', '"open', 'a b', 'public..x', '""', '"a"b']) {
    expect(plainName(name), name).toBeUndefined();
  }
});

it('gives back whatever was quoted', () => {
  const part = fc.string({ minLength: 1, unit: 'grapheme' });
  fc.assert(
    fc.property(part, part, (schema, name) => {
      expect(plainName(`${quote(schema)}.${quote(name)}`)).toBe(`${schema}.${name}`);
    }),
  );
});
