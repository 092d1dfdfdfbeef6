import { mkdtemp, readdir, readFile, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readFrames } from '../../test/read-frames.ts';
import { Archive, ExportError } from './archive.ts';

const at = new Date('2026-11-30T12:34:56.789Z');

async function setup(key = 'public."e; --"') {
  const folder = await mkdtemp(join(tmpdir(), 'archive-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const archive = await Archive.create(folder, key, at);
  onTestFinished(() => archive.abandon());
  return { folder, archive };
}

it('keeps frame after frame, and says what they hold', async () => {
  const { archive, folder } = await setup();
  await archive.append(['{"a":1}', '{"ü":"x"}']);
  await archive.append([]);
  await archive.append(['{"a":3}']);
  const { path, bytes, rows, checksum } = archive.exported;
  await archive.complete({ of: 'public.e' });
  expect(readFrames(await readFile(path))).toBe('{"a":1}\n{"ü":"x"}\n{"a":3}\n');
  expect((await stat(path)).size).toBe(bytes);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(await readFile(`${path}.manifest.json`, 'utf8'))).toEqual({
    format: 'jsonl.zst',
    of: 'public.e',
    rows: 3,
    checksum,
    bytes,
  });
  expect({ rows, files: await readdir(folder) }).toMatchObject({ rows: 3, files: { length: 2 } });
});

it('sums lines up in whatever order they come', async () => {
  const [one, other] = [await setup(), await setup()];
  await one.archive.append(['a', 'b', 'c']);
  await other.archive.append(['c', 'a']);
  await other.archive.append(['b']);
  expect(one.archive.exported.checksum).toBe(other.archive.exported.checksum);
  await other.archive.append(['b']);
  expect(one.archive.exported.checksum).not.toBe(other.archive.exported.checksum);
});

it('takes back what was appended since, and only that', async () => {
  const { archive } = await setup();
  await archive.append(['a']);
  const before = archive.exported;
  await archive.append(['b']);
  await archive.append(['b']);
  await archive.rewind(before);
  expect(archive.exported).toEqual(before);
  await archive.append(['c']);
  await archive.abandon();
  expect(readFrames(await readFile(archive.exported.path))).toBe('a\nc\n');
});

it('names the file after what it holds, within its folder and never twice', async () => {
  const { archive, folder } = await setup('../../"etc".passwd\n');
  const again = await Archive.create(folder, '../../"etc".passwd\n', at);
  await again.abandon();
  expect(archive.path).toMatch(/\/archive-\w+\/__.._etc_.passwd_-20261130T123456Z-[0-9a-f]{8}\.jsonl\.zst$/);
  expect(again.path).not.toBe(archive.path);
  await archive.discard();
  expect(await readdir(folder)).toHaveLength(1);
});

it('says so when it cannot write', async () => {
  const { archive, folder } = await setup();
  await archive.abandon();
  await expect(archive.append(['a'])).rejects.toThrow(ExportError);
  await truncate(archive.path, 0);
  await expect(Archive.create(join(folder, 'no such'), 'e', at)).rejects.toThrow(ExportError);
});
