import { execFileSync } from 'node:child_process';
import {
  closeSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { noContext } from '../../../../test/support/no-context.ts';
import { scratchFolder, withoutRoot } from '../../../../test/support/scratch-folder.ts';
import { outcomes, setup } from '../../test/log-rotation-rig.ts';
import { logRotation } from './index.ts';

describe('LOG_ROTATION of files', () => {
  it('deletes what is old, exactly what the plan showed, and counts it', async () => {
    const its = await setup();
    its.old('a.log', 'x'.repeat(1000));
    its.old('Ünïcödé 表 🙂.log', 'y');
    its.make('young.log', 3);
    const planned = await its.plan({ action: 'delete' });
    // A file that becomes due in between is none of the plan's.
    const ran = await its.run({ action: 'delete' }, { beforeSteps: async () => its.old('later.log') });
    expect(ran.plan?.steps.map(({ statements }) => statements)).toEqual(
      planned.plan?.steps.map(({ statements }) => statements),
    );
    expect(its.names()).toEqual(['later.log', 'now.log', 'young.log']);
    expect(outcomes(ran)['a.log']).toEqual({
      kind: 'done',
      result: { action: 'delete', size_before_bytes: 1000, size_after_bytes: 0, bytes_freed: 1000 },
    });
    expect(logRotation.summarise?.(ran.steps)).toEqual({
      files: { deleted: 2, compressed: 0, archived: 0 },
      bytes_freed: 1001,
    });
    expect(ran.effects).toMatchObject([{ action: 'delete_file', objectKind: 'file' }, { action: 'delete_file' }]);
    expect(ran.remnants).toMatchObject([{ kind: 'file', outcome: 'absent' }, { outcome: 'absent' }]);
    expect(await its.run({ action: 'delete' })).toMatchObject({ plan: { steps: [{ key: its.at('later.log') }] } });
  });

  it('compresses in place, verified, with mode and time kept, and leaves its own files alone the next time', async () => {
    const its = await setup();
    const content = Buffer.from('one line of a log\n'.repeat(50_000));
    its.old('big.log', content);
    const before = statSync(its.at('big.log'));
    const ran = await its.run({ action: 'compress' });
    expect(its.names()).toEqual(['big.log.zst', 'now.log']);
    const after = statSync(its.at('big.log.zst'));
    expect(zstdDecompressSync(readFileSync(its.at('big.log.zst'))).equals(content)).toBe(true);
    expect({ mode: after.mode, modified: Math.round(after.mtimeMs) }).toEqual({
      mode: before.mode,
      modified: Math.round(before.mtimeMs),
    });
    expect(outcomes(ran)['big.log']).toMatchObject({
      kind: 'done',
      result: {
        file: its.at('big.log.zst'),
        bytes_freed: content.length - after.size,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
    expect(logRotation.summarise?.(ran.steps)).toMatchObject({ files: { compressed: 1 } });
    expect((await its.run({ action: 'compress', pattern: '*' })).plan?.steps).toEqual([]);
  });

  it('moves to the archive, and overwrites nothing there', async () => {
    const its = await setup();
    its.old('a.log', 'ours');
    its.old('taken.log', 'ours');
    writeFileSync(join(its.archive, 'taken.log'), 'precious');
    const ran = await its.run({ action: 'archive', archive_to: its.archive });
    expect(outcomes(ran)).toMatchObject({
      'a.log': { kind: 'done', result: { bytes_freed: 4, file: join(its.archive, 'a.log') } },
      'taken.log': { kind: 'failed', error: { code: 'destination_exists' } },
    });
    expect(its.names()).toEqual(['now.log', 'taken.log']);
    expect(readFileSync(join(its.archive, 'a.log'), 'utf8')).toBe('ours');
    expect(readFileSync(join(its.archive, 'taken.log'), 'utf8')).toBe('precious');
    expect(readdirSync(its.archive).sort()).toEqual(['a.log', 'taken.log']);
  });

  it('touches no link, no second name, nothing that is no file, and nothing with a name that shows otherwise', async () => {
    const its = await setup();
    const precious = join(scratchFolder(), 'precious');
    writeFileSync(precious, 'precious');
    symlinkSync(precious, its.at('link.log'));
    linkSync(precious, its.at('second.log'));
    execFileSync('mkfifo', [its.at('pipe.log')]);
    its.old('new\nline.log');
    its.old('turned\u202egol.log');
    const before = its.names();
    for (const action of ['delete', 'compress'] as const) {
      const { plan, steps } = await its.run({ action, min_age_days: 0 });
      expect(steps).toEqual([]);
      expect(plan?.skipped.map(({ reason }) => reason).sort()).toEqual(
        ['hard_linked', 'newest: 1 files', 'not_a_regular_file', 'symbolic_link', 'unsafe_name', 'unsafe_name'].sort(),
      );
      for (const { object } of plan?.skipped ?? []) expect(object).not.toMatch(/[\n\u202e]/);
    }
    expect(its.names()).toEqual(before);
    expect(readFileSync(precious, 'utf8')).toBe('precious');
  });

  it('leaves alone a file that somebody has open for writing', async () => {
    const its = await setup();
    its.old('stderr.log');
    const descriptor = openSync(its.at('stderr.log'), 'a');
    const { plan } = await its.run({ action: 'delete' });
    expect(plan).toMatchObject({
      steps: [],
      skipped: [{ reason: 'newest: 1 files' }, { reason: 'open_for_writing: 1 files' }],
    });
    closeSync(descriptor);
    expect((await its.run({ action: 'delete' })).plan?.steps).toHaveLength(1);
  });

  it('refuses folders that are not allowed, are not there, or are reached through a link', async () => {
    const its = await setup();
    symlinkSync('/etc', join(its.archive, 'etc'));
    symlinkSync(its.logs, join(its.archive, 'logs'));
    const refused = async (...rules: object[]) => {
      const { problems } = await its.rig.plan(logRotation, { rules } as never, {
        context: { ...noContext, fileRoots: [its.logs, its.archive] },
      });
      return problems.map(({ pointer, code }) => [pointer, code]);
    };
    expect(
      await refused(
        { root: '/etc' },
        { root: `${its.logs}x` },
        { root: join(its.archive, 'etc') },
        { root: join(its.archive, 'logs') },
        { root: join(its.archive, 'none') },
        { root: its.logs, action: 'archive', archive_to: '/tmp' },
      ),
    ).toEqual([
      ['/rules/0/root', 'folder_not_allowed'],
      ['/rules/1/root', 'folder_not_allowed'],
      ['/rules/2/root', 'symbolic_link'],
      ['/rules/3/root', 'symbolic_link'],
      ['/rules/4/root', 'folder_missing'],
      ['/rules/5/archive_to', 'folder_not_allowed'],
    ]);
    const { problems } = await its.rig.plan(logRotation, { rules: [{ root: its.logs }] } as never);
    expect(problems).toMatchObject([
      { code: 'folder_not_allowed', detail: expect.stringContaining('FILE_ROOTS is not set') },
    ]);
  });

  it('does not call it success where the worker has no right', async () => {
    const its = await setup();
    its.old('a.log');
    execFileSync('chmod', ['755', join(its.logs, '..'), its.archive]);
    execFileSync('chmod', ['555', its.logs]);
    await withoutRoot(async () => {
      const ran = await its.run({ action: 'delete' });
      expect(outcomes(ran)).toMatchObject({ 'a.log': { kind: 'failed', error: { code: 'insufficient_privilege' } } });
      expect((await its.run({ action: 'compress' })).steps).toMatchObject([
        { outcome: { kind: 'failed', error: { code: 'insufficient_privilege' } } },
      ]);
    });
    execFileSync('chmod', ['711', its.logs]);
    await withoutRoot(async () => {
      if (process.geteuid?.() !== 65_534) return; // the owner may
      const { plan } = await its.plan({ action: 'delete' });
      expect(plan?.unknown).toMatchObject([{ reason: expect.stringMatching(/^insufficient_privilege/), grant: null }]);
    });
    execFileSync('chmod', ['755', its.logs]);
    expect(its.names()).toEqual(['a.log', 'now.log']);
  });
});
