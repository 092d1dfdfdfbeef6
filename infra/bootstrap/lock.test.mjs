import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { withLock } from './lock.mjs';

function lockPath() {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-bootstrap-lock-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  vi.spyOn(console, 'log').mockImplementation(() => undefined);
  return join(dir, 'lock');
}

it('lets one process work at a time, and says that it waits', async () => {
  const lock = lockPath();
  const seen = [];
  const first = Promise.withResolvers();
  const running = withLock(() => first.promise.then(() => seen.push('first')), lock);
  const waiting = withLock(async () => seen.push('second'), lock);
  await vi.waitFor(() => expect(console.log).toHaveBeenCalledWith(expect.stringContaining('another process')));
  first.resolve();
  await Promise.all([running, waiting]);
  expect(seen).toEqual(['first', 'second']);
  expect(existsSync(lock)).toBe(false);
});

it('gives the lock back when the work fails', async () => {
  const lock = lockPath();
  await expect(withLock(() => Promise.reject(new Error('no network')), lock)).rejects.toThrow('no network');
  expect(existsSync(lock)).toBe(false);
});

it('takes the lock of a process that was killed', async () => {
  const lock = lockPath();
  mkdirSync(lock);
  const aMinuteAgo = new Date(Date.now() - 60_000);
  utimesSync(lock, aMinuteAgo, aMinuteAgo);
  expect(await withLock(async () => 'done', lock)).toBe('done');
});
