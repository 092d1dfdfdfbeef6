import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { endLeftover, endLeftoverOf, isAlive } from './leftover.ts';

/** A process that runs for good, ignores the signals named, and can be known by `marker`. */
async function longRunning(marker: string, ignored: string[] = []): Promise<ChildProcess> {
  const source = `${ignored.map((signal) => `process.on('${signal}', () => {});`).join('')} setInterval(() => {}, 1e6); console.log('up')`;
  const child = spawn(process.execPath, ['-e', source, marker], { stdio: ['ignore', 'pipe', 'ignore'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child.stdout, 'data');
  return child;
}

describe('endLeftover', () => {
  it('ends the process that carries the marker', async () => {
    const child = await longRunning('marker-a');
    const exit = once(child, 'exit');
    expect(await endLeftover(child.pid as number, 'marker-a', ['SIGTERM'])).toBe(true);
    expect(await exit).toEqual([null, 'SIGTERM']);
  });

  it('leaves a process alone that only has the same pid', async () => {
    const child = await longRunning('marker-b');
    expect(await endLeftover(child.pid as number, 'another-marker', ['SIGTERM'])).toBe(false);
    expect(isAlive(child.pid as number)).toBe(true);
  });

  it('goes on to the next signal, and in the end to SIGKILL, when one is ignored', async () => {
    const child = await longRunning('marker-c', ['SIGTERM']);
    const exit = once(child, 'exit');
    expect(await endLeftover(child.pid as number, 'marker-c', ['SIGTERM'], 200)).toBe(true);
    expect(await exit).toEqual([null, 'SIGKILL']);
  });

  it('has nothing to do for a process that is gone', async () => {
    const child = await longRunning('marker-d');
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
    expect(await endLeftover(child.pid as number, 'marker-d', ['SIGTERM'])).toBe(false);
  });
});

it('endLeftoverOf reads the pid from the first line and removes the file', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'slacktide-leftover-'));
  onTestFinished(() => rmSync(dir, { recursive: true }));
  const child = await longRunning('marker-e');
  const exit = once(child, 'exit');
  const pidFile = join(dir, 'server.pid');
  writeFileSync(pidFile, `${child.pid}\n${dir}\n`);
  await endLeftoverOf(pidFile, 'marker-e', ['SIGINT']);
  expect(await exit).toEqual([null, 'SIGINT']);
  expect(existsSync(pidFile)).toBe(false);
});
