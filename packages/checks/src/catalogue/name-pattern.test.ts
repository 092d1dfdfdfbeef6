import { expect, it } from 'vitest';
import { matchesAny } from './name-pattern.ts';

it.each([
  ['slacktide/task/1', ['slacktide/%'], true],
  ['app', ['slacktide/%', 'app'], true],
  ['application', ['app'], false],
  ['pg_dump', ['pgxdump'], false],
  ['pgxdump', ['pg_dump'], false],
  ['a.b-c', ['%.%-%'], true],
  ['aba', ['ab%ba'], false],
  ['', ['%'], true],
  [null, ['%'], false],
  ['anything', [], false],
])('%s by %j: %s', (text, patterns, expected) => {
  expect(matchesAny(text, patterns)).toBe(expected);
});
