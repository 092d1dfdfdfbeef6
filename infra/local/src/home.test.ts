import { chownSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { removeDevFile, writeDevFile } from './dev-file.ts';
import { type Home, keptSecret, openHome, secretFile } from './home.ts';

function newHome(): Home {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-home-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return openHome(join(dir, 'home'));
}

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

it('keeps what is private to its owner', () => {
  const home = newHome();
  keptSecret(home, 'some-password');
  writeDevFile(home.devFile, { url: '', api_key: '', target_id: '', target_url: '', database_url: '', redis_url: '' });
  expect(modeOf(home.secretsDir)).toBe('700');
  expect(modeOf(home.logDir)).toBe('700');
  expect(modeOf(secretFile(home, 'some-password'))).toBe('600');
  expect(modeOf(home.devFile)).toBe('600');
  removeDevFile(home.devFile);
  expect(() => statSync(home.devFile)).toThrow('ENOENT');
});

it('makes a secret once, each its own, and fit for a URL', () => {
  const home = newHome();
  const secret = keptSecret(home, 'a');
  expect(keptSecret(home, 'a')).toBe(secret);
  expect(keptSecret(home, 'b')).not.toBe(secret);
  expect(secret).toMatch(/^[\w-]{32}$/);
});

it('knows whether it is new', () => {
  const home = newHome();
  expect(home.isNew).toBe(true);
  expect(openHome(home.dir).isNew).toBe(false);
});

it.runIf(process.getuid?.() === 0)('refuses a home that belongs to another user', () => {
  const home = newHome();
  chownSync(home.dir, 54_321, 54_321);
  expect(() => openHome(home.dir)).toThrow('belongs to user id 54321');
});
