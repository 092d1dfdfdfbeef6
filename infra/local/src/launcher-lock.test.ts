import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { takeLauncherLock } from './launcher-lock.ts';

function lockFile(): string {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-lock-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  return join(dir, 'launcher.json');
}

/** The pid of a process that has ended. */
function deadPid(): number {
  return spawnSync('true').pid;
}

it('lets one launcher in at a time and says who it is', () => {
  const file = lockFile();
  const first = takeLauncherLock(file);
  expect(() => takeLauncherLock(file)).toThrow(`process ${process.pid}`);
  first.release();
  expect(existsSync(file)).toBe(false);
  takeLauncherLock(file).release();
});

it('takes the lock of a launcher that was killed and tells what that one had started', () => {
  const file = lockFile();
  writeFileSync(file, JSON.stringify({ pid: deadPid(), children: { worker: 123 } }));
  const lock = takeLauncherLock(file);
  expect(lock.leftBehind).toEqual({ worker: 123 });
  lock.release();
});

it('does not mistake a process that got the same pid later for the holder', () => {
  const file = lockFile();
  writeFileSync(file, JSON.stringify({ pid: process.pid, children: {} }));
  const aMinuteAgo = new Date(Date.now() - 60_000);
  utimesSync(file, aMinuteAgo, aMinuteAgo);
  takeLauncherLock(file).release();
});

it('remembers the processes it started for its successor', () => {
  const file = lockFile();
  const lock = takeLauncherLock(file);
  lock.add('control_plane', 7);
  lock.add('worker', 8);
  const aMinuteAgo = new Date(Date.now() - 60_000);
  utimesSync(file, aMinuteAgo, aMinuteAgo);
  const successor = takeLauncherLock(file);
  expect(successor.leftBehind).toEqual({ control_plane: 7, worker: 8 });
  lock.release();
});

it('survives a file that was cut off', () => {
  const file = lockFile();
  writeFileSync(file, '{"pid":');
  const lock = takeLauncherLock(file);
  expect(lock.leftBehind).toEqual({});
  lock.release();
});
