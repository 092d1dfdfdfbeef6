import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { isReachable, reachableTempDir } from './reachable.ts';

const stranger = { uid: 54_321, gid: 54_321 };
const root = mkdtempSync(join(tmpdir(), 'slacktide-reachable-'));
chmodSync(root, 0o755);
afterAll(() => rmSync(root, { recursive: true }));

function directory(name: string, mode: number): string {
  const path = join(root, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}

describe('isReachable', () => {
  it('lets everybody through directories open to others, even if they cannot list them', () => {
    const open = directory('open', 0o711);
    expect(isReachable(open, stranger)).toBe(true);
    expect(isReachable(join(open, 'not', 'there', 'yet'), stranger)).toBe(true);
  });

  it('stops a stranger at a closed directory, however open what lies below it is', () => {
    const closed = directory('closed', 0o700);
    mkdirSync(join(closed, 'below'));
    chmodSync(join(closed, 'below'), 0o777);
    expect(isReachable(join(closed, 'below'), stranger)).toBe(false);
    expect(isReachable(join(closed, 'not-there-yet'), stranger)).toBe(false);
  });

  it('goes by the permissions of the owner and of the group for those', () => {
    const own = directory('own', 0o700);
    const uid = process.getuid?.() ?? 0;
    const gid = process.getgid?.() ?? 0;
    expect(isReachable(own, { uid, gid: stranger.gid })).toBe(true);
    expect(isReachable(directory('group', 0o710), { uid: stranger.uid, gid })).toBe(true);
    expect(isReachable(directory('all-but-group', 0o701), { uid: stranger.uid, gid })).toBe(false);
  });

  it('has no question to answer for a server that runs as the caller', () => {
    expect(isReachable(directory('mine', 0o700), undefined)).toBe(true);
  });
});

it('reachableTempDir finds a place a stranger can get to', () => {
  expect(isReachable(reachableTempDir(stranger), stranger)).toBe(true);
});
