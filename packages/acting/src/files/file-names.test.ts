import { describe, expect, it } from 'vitest';
import { isPlainFolder, isPlainName, isWithin, nameMatcher, nameOfBytes, shown } from './file-names.ts';

describe('isPlainName', () => {
  it.each(['a', 'postgresql-2026-11-22.log', 'Ünïcödé 表 🙂.log', '...', ' ', '-rf', "it's", '"; rm -rf x'])(
    'takes %j',
    (name) => expect(isPlainName(name)).toBe(true),
  );

  it.each(['', '.', '..', 'a/b', '/etc/passwd', '../x', 'a\0b', 'new\nline', '\x1b[2J', 'a\u202egol.exe', '\ufffd'])(
    'refuses %j',
    (name) => expect(isPlainName(name)).toBe(false),
  );
});

describe('isPlainFolder', () => {
  it.each(['/var', '/var/log/postgresql', '/srv/ä b'])('takes %j', (path) => expect(isPlainFolder(path)).toBe(true));

  it.each(['/', '', 'var', './var', '/var/', '/var//log', '/var/./log', '/var/../etc', '/var/log/..', '/a\0', '/a\nb'])(
    'refuses %j',
    (path) => expect(isPlainFolder(path)).toBe(false),
  );
});

it('a path is within a folder by whole names', () => {
  expect(isWithin('/var/log', ['/srv', '/var/log'])).toBe(true);
  expect(isWithin('/var/log/postgresql', ['/var/log'])).toBe(true);
  expect(isWithin('/var/logs', ['/var/log'])).toBe(false);
  expect(isWithin('/var', ['/var/log'])).toBe(false);
  expect(isWithin('/var', [])).toBe(false);
});

describe('nameMatcher', () => {
  it.each([
    ['*.log', ['a.log', '.log.log', 'x.log.log'], ['a.logs', 'alog', '.hidden.log']],
    ['postgresql-*-??.log', ['postgresql-14-01.log'], ['postgresql-14-1.log', 'Xpostgresql-14-01.log']],
    ['.*', ['.x'], ['x']],
    ['[a-c].log', ['[a-c].log'], ['a.log', 'b.log']],
    ['a.log', ['a.log'], ['axlog', 'a.log\n']],
    ['?', ['表', '🙂'], ['ab', '']],
    ['*', ['a', 'new\nline'], ['.a']],
    ['**a**', ['a', 'bab'], ['b']],
  ])('%j', (pattern, yes, no) => {
    const matches = nameMatcher(pattern);
    // A dot in front has to be asked for.
    expect(yes.filter((name) => !name.startsWith('.') || pattern.startsWith('.')).every(matches)).toBe(true);
    expect(no.filter(matches)).toEqual([]);
  });

  it('takes no time for ever to refuse', () => {
    expect(nameMatcher('*a'.repeat(50))(`${'a'.repeat(49)}${'b'.repeat(200)}`)).toBe(false);
  });
});

it('reads names of UTF-8 only', () => {
  expect(nameOfBytes(Buffer.from('表.log'))).toBe('表.log');
  expect(nameOfBytes(Buffer.from([0x61, 0xff]))).toBeUndefined();
});

it('shows a path on one line, and nothing that turns it around', () => {
  expect(shown('/var/log/a.log')).toBe('/var/log/a.log');
  expect(shown('/var/log/two words')).toBe('"/var/log/two words"');
  expect(shown('/var/log/表 🙂')).toBe('"/var/log/表 🙂"');
  expect(shown('/x/a\nb\u202e"')).toBe(String.raw`"/x/a\nb\u{202e}\""`);
});
