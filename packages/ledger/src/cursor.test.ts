import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor } from './cursor.ts';

const isWord = (id: string): boolean => /^\w+$/.test(id);
const position = { at: new Date('2026-11-22T12:00:00.123Z'), id: 'shop' };

describe('a cursor', () => {
  it('gives back the position it was made of, and fits into a URL', () => {
    const cursor = encodeCursor(position);
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(decodeCursor(cursor, isWord)).toEqual(position);
  });

  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  it.each([
    ['nothing', ''],
    ['no JSON', 'abc'],
    ['no list', encoded({ at: 1, id: 'shop' })],
    ['null', encoded(null)],
    ['an id that cannot be', encoded([1, '; --'])],
    ['no id', encoded([1])],
    ['a fraction of a millisecond', encoded([1.5, 'shop'])],
    ['an instant before 1970', encoded([-1, 'shop'])],
    ['an instant no Date holds', encoded([9e15, 'shop'])],
    ['text for an instant', encoded(['2026-11-22', 'shop'])],
  ])('that is %s is the caller’s fault', (_, cursor) => {
    expect(() => decodeCursor(cursor, isWord)).toThrow(
      expect.objectContaining({ code: 'invalid_request', problems: [expect.objectContaining({ pointer: '?cursor' })] }),
    );
  });
});
