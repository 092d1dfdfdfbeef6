import { randomBytes } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import type { Remnant } from '@slacktide/application/ports';
import { describe, expect, it } from 'vitest';
import { mountSmall } from '../../../../test/support/scratch-folder.ts';
import { killedWhileCopying } from '../../test/killed-while-copying.ts';
import { outcomes, setup } from '../../test/log-rotation-rig.ts';
import { logRotation } from './index.ts';
import { newOwnNames, remnantOf } from './own-files.ts';

describe('LOG_ROTATION, cut short', () => {
  it('leaves the original and nothing else when the disk is full, or would be', async () => {
    const its = await setup();
    its.old('a.log', randomBytes(600_000));
    if (mountSmall(its.archive, 256)) {
      const full = await its.run({ action: 'archive', archive_to: its.archive }, { config: { min_free_mb: 0 } });
      expect(full.steps).toMatchObject([{ outcome: { kind: 'failed', error: { code: 'disk_full' } } }]);
      expect(readdirSync(its.archive)).toEqual([]);
    }
    const kept = await its.run({ action: 'compress' }, { config: { min_free_mb: 10 ** 9 } });
    expect(kept.steps).toMatchObject([
      { outcome: { kind: 'failed', error: { code: 'disk_full', message: expect.stringContaining('min_free_mb') } } },
    ]);
    expect(its.names()).toEqual(['a.log', 'now.log']);
    expect(kept.remnants).toMatchObject([{ outcome: 'absent' }]);
  });

  it('stops when told to, with the original as it was', async () => {
    const its = await setup();
    its.old('a.log', randomBytes(3_000_000));
    const stop = new AbortController();
    const ran = its.run(
      { action: 'compress' },
      { signal: stop.signal, onProgress: () => stop.abort(new Error('told to stop')) },
    );
    await expect(ran).rejects.toThrow();
    expect(its.names()).toEqual(['a.log', 'now.log']);
  });

  it('takes a copy that a dead worker finished for what it is, and one that is not the same for what it is not', async () => {
    const its = await setup();
    its.old('same.log', 'the same');
    writeFileSync(its.at('same.log.zst'), zstdCompressSync('the same'));
    its.old('other.log', 'mine');
    writeFileSync(its.at('other.log.zst'), zstdCompressSync('another'));
    its.old('torn.log', 'mine');
    writeFileSync(its.at('torn.log.zst'), zstdCompressSync('mine').subarray(0, 5));
    its.old('linked.log', 'mine');
    symlinkSync('/etc/passwd', its.at('linked.log.zst'));
    const ran = await its.run({ action: 'compress' });
    expect(outcomes(ran)).toMatchObject({
      'same.log': { kind: 'done', result: { was_there: true } },
      'other.log': { kind: 'failed', error: { code: 'destination_exists' } },
      'torn.log': { kind: 'failed', error: { code: 'destination_exists' } },
      'linked.log': { kind: 'failed', error: { code: 'destination_exists' } },
    });
    expect(its.names()).toContain('other.log');
    expect(its.names()).not.toContain('same.log');
    expect(zstdDecompressSync(readFileSync(its.at('other.log.zst'))).toString()).toBe('another');
  });

  /** What a worker that died has on record about a file. */
  function record(its: Awaited<ReturnType<typeof setup>>, name: string) {
    const { dev, ino, size, mtimeNs } = lstatSync(its.at(name), { bigint: true });
    const folder = statSync(its.logs);
    const names = newOwnNames();
    const { kind, proof } = remnantOf(
      {
        action: 'compress',
        root: its.logs,
        folder: { device: String(folder.dev), inode: String(folder.ino) },
        name,
        archiveTo: null,
        identity: { device: String(dev), inode: String(ino), sizeBytes: Number(size), modifiedNs: String(mtimeNs) },
      },
      names,
    );
    const remnant: Remnant = {
      id: 1,
      targetId: 't',
      taskId: 'x',
      taskType: 'LOG_ROTATION',
      fence: 1,
      recordedAt: new Date(),
      kind,
      proof,
    };
    const sweep = (fileRoots = [its.logs], changes: object = {}) =>
      logRotation.sweep?.(undefined as never, { ...remnant, proof: { ...proof, ...changes } }, { fileRoots });
    return { names, sweep };
  }

  it('killed while it compressed leaves the original, and a part that is known to be ours', async () => {
    const its = await setup();
    its.old('a.log', randomBytes(3_000_000));
    const { token } = await killedWhileCopying(its.logs, 'a.log');
    const part = `.slacktide-${token}.part`;
    expect(its.names()).toEqual([part, 'a.log', 'now.log'].sort());
    expect(statSync(its.at('a.log')).size).toBe(3_000_000);
    // Somebody else's file of nearly that name is not ours.
    writeFileSync(its.at('.slacktide-0123456789abcdef0123456789abcdef.part'), 'precious');
    const { sweep } = record(its, 'a.log');
    expect(await sweep([its.logs], { token })).toEqual({ outcome: 'swept', note: `removed ${its.logs}/${part}` });
    expect(its.names()).toContain('.slacktide-0123456789abcdef0123456789abcdef.part');
    expect(its.names()).not.toContain(part);
    expect(await sweep([its.logs], { token })).toMatchObject({ outcome: 'absent' });
  });

  it('killed after the original was moved aside: it is put back, unless something has its name', async () => {
    const its = await setup();
    its.old('a.log', 'original');
    const { names, sweep } = record(its, 'a.log');
    renameSync(its.at('a.log'), its.at(names.aside));
    expect(await sweep()).toEqual({ outcome: 'swept', note: `${its.at('a.log')} is back at its name` });
    expect(readFileSync(its.at('a.log'), 'utf8')).toBe('original');
    renameSync(its.at('a.log'), its.at(names.aside));
    writeFileSync(its.at('a.log'), 'newer');
    expect(await sweep()).toMatchObject({ outcome: 'kept', note: expect.stringContaining(names.aside) });
    expect(readFileSync(its.at('a.log'), 'utf8')).toBe('newer');
  });

  it('is left to a worker of the host that may touch the folder', async () => {
    const its = await setup();
    its.old('a.log');
    const { sweep } = record(its, 'a.log');
    await expect(sweep([])).rejects.toMatchObject({ name: 'TargetError' });
    await expect(sweep([its.logs], { host: 'elsewhere', folder_inode: '1' })).rejects.toMatchObject({
      name: 'TargetError',
    });
    expect(await sweep()).toMatchObject({ outcome: 'absent' });
    expect(await sweep([its.logs], { token: '../../etc' })).toMatchObject({ outcome: 'kept' });
  });
});
