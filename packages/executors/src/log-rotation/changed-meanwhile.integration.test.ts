import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../../test/support/scratch-folder.ts';
import { setup } from '../../test/log-rotation-rig.ts';

describe('LOG_ROTATION, when something else is there than the plan showed', () => {
  const swaps: [string, string, (path: string) => void][] = [
    ['gone', 'file_gone', (path) => rmSync(path)],
    ['another file', 'changed', (path) => swap(path, () => writeFileSync(path, 'a.log'))],
    ['a link to another file', 'symbolic_link', (path) => swap(path, () => symlinkSync('/etc/passwd', path))],
    ['a pipe', 'changed', (path) => swap(path, () => void execFileSync('mkfifo', [path]))],
    ['given a second name', 'changed', (path) => linkSync(path, `${path}.2`)],
    ['grown', 'changed', (path) => appendFileSync(path, 'more')],
    ['touched', 'changed', (path) => utimesSync(path, 1, 1)],
  ];

  it.each(swaps)('leaves it: %s', async (_, reason, change) => {
    for (const rule of [{ action: 'delete' }, { action: 'compress' }, { action: 'archive' }]) {
      const its = await setup();
      its.old('a.log');
      const to = rule.action === 'archive' ? { archive_to: its.archive } : {};
      let left: readonly unknown[] = [];
      const ran = await its.run(
        { ...rule, ...to },
        {
          beforeSteps: async () => {
            change(its.at('a.log'));
            left = inodes(its.logs);
          },
        },
      );
      expect(ran.steps).toMatchObject([{ outcome: { kind: 'skipped', reason } }]);
      expect(inodes(its.logs)).toEqual(left);
      expect(readdirSync(its.archive)).toEqual([]);
      expect(ran.effects).toEqual([]);
    }
  });

  it('is not led away by a folder that was swapped', async () => {
    const its = await setup();
    its.old('a.log');
    const elsewhere = join(scratchFolder(), 'precious');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'a.log'), 'precious');
    const away = `${its.logs}.away`;
    for (const put of [() => symlinkSync(elsewhere, its.logs), () => execFileSync('cp', ['-r', elsewhere, its.logs])]) {
      const ran = await its.run(
        { action: 'delete' },
        {
          beforeSteps: async () => {
            renameSync(its.logs, away);
            put();
          },
        },
      );
      expect(ran.steps).toMatchObject([
        {
          outcome: expect.toSatisfy(
            ({ kind, error, reason }) => kind !== 'done' && (error?.code ?? reason) !== undefined,
          ),
        },
      ]);
      expect(existsSync(join(elsewhere, 'a.log'))).toBe(true);
      expect(existsSync(join(away, 'a.log'))).toBe(true);
      rmSync(its.logs, { recursive: true });
      renameSync(away, its.logs);
    }
  });

  it('leaves a file that is swapped, or grows, while it is copied', async () => {
    for (const change of [
      (path: string) => swap(path, () => writeFileSync(path, 'precious')),
      (path: string) => appendFileSync(path, 'more'),
    ]) {
      const its = await setup();
      its.old('a.log', 'x'.repeat(100_000));
      let changed = false;
      const ran = await its.run(
        { action: 'compress' },
        {
          onProgress: () => {
            if (!changed) change(its.at('a.log'));
            changed = true;
          },
        },
      );
      expect(ran.steps).toMatchObject([{ outcome: { kind: 'skipped', reason: 'changed' } }]);
      expect(its.names().filter((name) => name.includes('zst') || name.startsWith('.'))).toEqual([]);
      expect(existsSync(its.at('a.log'))).toBe(true);
    }
  });
});

function swap(path: string, put: () => void): void {
  renameSync(path, `${path}.kept`);
  put();
}

/** Every name in a folder with the file it is of. */
function inodes(folder: string): readonly unknown[] {
  return readdirSync(folder)
    .sort()
    .map((name) => [name, lstatSync(join(folder, name)).ino]);
}
