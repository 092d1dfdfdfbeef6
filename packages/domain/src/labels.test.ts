import { describe, expect, test } from 'vitest';
import { isIdentifier } from './identifier.ts';
import { checkLabels } from './labels.ts';

test.each([
  ['shop', true],
  ['0-eu.west_1', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['Shop', false],
  ['-shop', false],
  ['shop/1', false],
  ['shop\n', false],
  ['', false],
])('isIdentifier(%j) is %s', (text, expected) => {
  expect(isIdentifier(text)).toBe(expected);
});

describe('checkLabels', () => {
  test('takes ordinary labels, empty values included', () => {
    expect(checkLabels({ team: 'billing', 'slacktide.dev/Tier': '1', on_call: '', note: 'ü'.repeat(255) })).toEqual([]);
    expect(checkLabels({ ['k'.repeat(63)]: 'v' })).toEqual([]);
  });

  test.each([
    ['', 'v', '/', 'invalid_key'],
    ['k'.repeat(64), 'v', `/${'k'.repeat(64)}`, 'invalid_key'],
    ['a b', 'v', '/a b', 'invalid_key'],
    ['~/x', 'v', '/~0~1x', 'invalid_key'],
    ['team', 'v'.repeat(256), '/team', 'invalid_value'],
    ['team', 'a\u0000b', '/team', 'invalid_value'],
    ['team', '\ud800', '/team', 'invalid_value'],
  ])('refuses %j: %j, pointing at it', (key, value, pointer, code) => {
    expect(checkLabels({ [key]: value })).toEqual([{ pointer, code, detail: expect.any(String) }]);
  });

  test('refuses more than 64', () => {
    const many = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, 'v']));
    expect(checkLabels(many)).toMatchObject([{ pointer: '', code: 'too_many' }]);
  });
});
