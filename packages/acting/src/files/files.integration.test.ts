import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { mountSmall, scratchFolder, withoutRoot } from '../../../../test/support/scratch-folder.ts';
import {
  identityOf,
  listFiles,
  moveAside,
  openFile,
  openFolder,
  publishFile,
  putBack,
  readContent,
  removeAside,
  type VerifiedWrite,
  writeVerified,
} from './index.ts';

const never = new AbortController().signal;
const fault = (code: string) => ({ name: 'FileError', code });

/** A folder with the roots it may be opened by. */
function setup() {
  const root = scratchFolder();
  const write = (name: string, content: string | Uint8Array = name) => writeFileSync(join(root, name), content);
  return { root, write, open: () => openFolder(root, [root]) };
}

async function* bytes(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

describe('openFolder', () => {
  it('opens a root, and folders within it, and nothing else', async () => {
    const { root } = setup();
    mkdirSync(join(root, 'a/b'), { recursive: true });
    for (const path of [root, join(root, 'a/b')]) {
      await using folder = await openFolder(path, [root]);
      expect(folder.inode).toBe(String(statSync(path).ino));
    }
    for (const path of ['/etc', `${root}x`, `${root}/..`, `${root}/a/../../etc`, `${root}/`, 'a', '', `${root}/a\0`]) {
      await expect(openFolder(path, [root]), path).rejects.toMatchObject(fault('folder_not_allowed'));
    }
    await expect(openFolder(root, [])).rejects.toMatchObject({ message: expect.stringContaining('FILE_ROOTS') });
    await expect(openFolder(join(root, 'none'), [root])).rejects.toMatchObject(fault('folder_missing'));
    writeFileSync(join(root, 'file'), '');
    await expect(openFolder(join(root, 'file'), [root])).rejects.toMatchObject(fault('folder_missing'));
  });

  it('follows no symbolic link, at the end or on the way, and says where it leads', async () => {
    const { root } = setup();
    mkdirSync(join(root, 'real/deep'), { recursive: true });
    symlinkSync('/etc', join(root, 'etc'));
    symlinkSync(join(root, 'real'), join(root, 'way'));
    await expect(openFolder(join(root, 'etc'), [root])).rejects.toMatchObject({
      ...fault('symbolic_link'),
      message: expect.stringContaining('symbolic link to /etc'),
    });
    await expect(openFolder(join(root, 'way/deep'), [root])).rejects.toMatchObject(fault('symbolic_link'));
    // Not even where the link itself is what was allowed.
    await expect(openFolder(join(root, 'way'), [join(root, 'way')])).rejects.toMatchObject(fault('symbolic_link'));
  });

  it('stays with the folder it opened, whatever is put in its place', async () => {
    const { root } = setup();
    const path = join(root, 'logs');
    mkdirSync(path);
    writeFileSync(join(path, 'a.log'), 'ours');
    mkdirSync(join(root, 'elsewhere'));
    writeFileSync(join(root, 'elsewhere/a.log'), 'precious');
    await using folder = await openFolder(path, [root]);
    renameSync(path, join(root, 'moved'));
    symlinkSync(join(root, 'elsewhere'), path);
    await using file = await openFile(folder, 'a.log');
    expect((await file.readFile()).toString()).toBe('ours');
  });

  it('says what it may not', async () => {
    const { root } = setup();
    mkdirSync(join(root, 'closed/in'), { recursive: true });
    chmodSync(root, 0o755);
    chmodSync(join(root, 'closed'), 0o700);
    await withoutRoot(async () => {
      if (process.geteuid?.() !== 65_534) return; // the owner may
      await expect(openFolder(join(root, 'closed'), [root])).rejects.toMatchObject(fault('insufficient_privilege'));
      await expect(openFolder(join(root, 'closed/in'), [root])).rejects.toMatchObject(fault('insufficient_privilege'));
    });
  });
});

it('lists what matches, with what each is, and names that are no text', async () => {
  const { root, write, open } = setup();
  write('a.log');
  write('表 🙂.log');
  write('b.txt');
  mkdirSync(join(root, 'folder.log'));
  symlinkSync('/etc/passwd', join(root, 'link.log'));
  execFileSync('mkfifo', [join(root, 'pipe.log')]);
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x2e, 0x6c, 0x6f, 0x67])]), '');
  await using folder = await open();
  const { files, isWhole } = await listFiles(folder, (name) => name.endsWith('.log'), 100);
  expect(isWhole).toBe(true);
  const seen = files.map(({ name, stats }) => [name, stats?.isFile(), stats?.isSymbolicLink()]);
  expect(new Map(seen.map(([name, ...is]) => [name, is]))).toEqual(
    new Map<string | null, unknown>([
      ['a.log', [true, false]],
      ['表 🙂.log', [true, false]],
      ['link.log', [false, true]],
      ['pipe.log', [false, false]],
      [null, [undefined, undefined]],
    ]),
  );
  expect((await listFiles(folder, () => true, 2)).isWhole).toBe(false);
});

describe('writeVerified', () => {
  it.each([true, false])('writes, brings to the disk and reads back (compressed: %s)', async (compress) => {
    const { root, write, open } = setup();
    write('like', 'x');
    chmodSync(join(root, 'like'), 0o640);
    utimesSync(join(root, 'like'), 1_700_000_000, 1_700_000_000.9879);
    const content = randomBytes(300_000);
    await using folder = await open();
    await using like = await openFile(folder, 'like');
    const written = await writeVerified(folder, {
      part: 'part',
      content: bytes(content.subarray(0, 100_000), content.subarray(100_000), 'text'),
      compress,
      like: await like.stat({ bigint: true }),
      signal: never,
    });
    const whole = Buffer.concat([content, Buffer.from('text')]);
    const raw = readFileSync(join(root, 'part'));
    expect((compress ? zstdDecompressSync(raw) : raw).equals(whole)).toBe(true);
    expect(written).toMatchObject({ bytes: raw.length, contentBytes: whole.length });
    expect(statSync(join(root, 'part'))).toMatchObject({
      mode: 0o100640,
      mtimeMs: expect.closeTo(1_700_000_000_987.9, 2),
    });
    expect(await readContent(folder, 'part', { isCompressed: compress, signal: never })).toEqual({
      sha256: written.sha256,
      bytes: whole.length,
    });
  });

  it('writes an empty file, too', async () => {
    await using folder = await setup().open();
    const written = await writeVerified(folder, { part: 'p', content: bytes(), compress: true, signal: never });
    expect(written.contentBytes).toBe(0);
  });

  it('leaves nothing when the disk is full', async () => {
    const { root, open } = setup();
    const isMounted = mountSmall(root, 512);
    await using folder = await open();
    const full = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOSPC', syscall: 'write' }));
    const write = writeVerified(folder, {
      part: 'part',
      content: bytes(randomBytes(2_000_000)),
      compress: true,
      signal: never,
      ...(isMounted ? {} : { write: full }),
    });
    await expect(write).rejects.toMatchObject(fault('disk_full'));
    expect(readdirSync(root)).toEqual([]);
  });

  it('does not take for written what comes out otherwise', async () => {
    const { root, open } = setup();
    await using folder = await open();
    // A disk that loses the end of it.
    const losing: VerifiedWrite['write'] = async (handle, chunk) => {
      await handle.write(chunk, 0, chunk.length - 1);
    };
    for (const compress of [true, false]) {
      const write = { part: 'part', content: bytes('some content'), compress, signal: never, write: losing };
      await expect(writeVerified(folder, write)).rejects.toMatchObject(fault('not_verified'));
    }
    expect(readdirSync(root)).toEqual([]);
  });

  it('stops when told to, and leaves nothing', async () => {
    const { root, open } = setup();
    await using folder = await open();
    const stop = new AbortController();
    const content = async function* () {
      for (;;) {
        yield Buffer.alloc(65_536);
        stop.abort(new Error('stop'));
      }
    };
    const write = { part: 'part', content: content(), compress: true, signal: stop.signal };
    await expect(writeVerified(folder, write)).rejects.toThrow('stop');
    expect(readdirSync(root)).toEqual([]);
  });

  it('writes over nothing that is there, not even a link', async () => {
    const { root, write, open } = setup();
    write('part', 'precious');
    symlinkSync(join(root, 'beyond'), join(root, 'link'));
    await using folder = await open();
    for (const part of ['part', 'link']) {
      await expect(
        writeVerified(folder, { part, content: bytes('x'), compress: false, signal: never }),
      ).rejects.toMatchObject(fault('io_error'));
    }
    expect(readFileSync(join(root, 'part'), 'utf8')).toBe('precious');
    expect(existsSync(join(root, 'beyond'))).toBe(false);
  });
});

it('reads nothing that waits for a writer, and no link', async () => {
  const { root, open } = setup();
  execFileSync('mkfifo', [join(root, 'pipe')]);
  symlinkSync('/etc/passwd', join(root, 'link'));
  await using folder = await open();
  await using pipe = await openFile(folder, 'pipe');
  expect((await pipe.stat()).isFIFO()).toBe(true);
  await expect(openFile(folder, 'link')).rejects.toMatchObject(fault('symbolic_link'));
});

it('gives a finished file its name only when nothing has it', async () => {
  const { root, write, open } = setup();
  write('part', 'new');
  write('taken', 'precious');
  await using folder = await open();
  expect(await publishFile(folder, 'part', 'taken')).toBe(false);
  expect(readFileSync(join(root, 'taken'), 'utf8')).toBe('precious');
  expect(await publishFile(folder, 'part', 'free')).toBe(true);
  expect(readdirSync(root).sort()).toEqual(['free', 'taken']);
  expect(lstatSync(join(root, 'free')).nlink).toBe(1);
});

describe('moveAside and removeAside', () => {
  async function planned() {
    const { root, write, open } = setup();
    write('a.log', 'as planned');
    const folder = await open();
    const identity = identityOf(lstatSync(join(root, 'a.log'), { bigint: true }));
    const file = { folder, name: 'a.log', aside: '.aside', identity };
    return { root, write, file, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  }

  it('remove the very file that was planned', async () => {
    await using setting = await planned();
    expect(await moveAside(setting.file)).toBe(true);
    expect(await removeAside(setting.file)).toBe(true);
    expect(readdirSync(setting.root)).toEqual([]);
  });

  it.each<[string, (root: string) => void]>([
    ['another file', (root) => replace(root, (path) => writeFileSync(path, 'as planned'))],
    ['a symbolic link', (root) => replace(root, (path) => symlinkSync('/etc/passwd', path))],
    ['a folder', (root) => replace(root, (path) => mkdirSync(path))],
    ['a pipe', (root) => replace(root, (path) => void execFileSync('mkfifo', [path]))],
    ['the file with a second name', (root) => linkSync(join(root, 'a.log'), join(root, 'b.log'))],
    ['the file grown', (root) => writeFileSync(join(root, 'a.log'), ' and more', { flag: 'a' })],
    ['the file cut', (root) => truncateSync(join(root, 'a.log'), 3)],
    ['the file touched', (root) => utimesSync(join(root, 'a.log'), 5, 5)],
  ])('put back what is there instead: %s', async (_, change) => {
    await using setting = await planned();
    change(setting.root);
    const before = lstatSync(join(setting.root, 'a.log'));
    expect(await moveAside(setting.file)).toBe(false);
    expect(lstatSync(join(setting.root, 'a.log')).ino).toBe(before.ino);
    expect(readdirSync(setting.root)).not.toContain('.aside');
  });

  it('put back a file that grew after it was moved aside', async () => {
    await using setting = await planned();
    await moveAside(setting.file);
    writeFileSync(join(setting.root, '.aside'), ' and more', { flag: 'a' });
    expect(await removeAside(setting.file)).toBe(false);
    expect(readFileSync(join(setting.root, 'a.log'), 'utf8')).toBe('as planned and more');
  });

  it('overwrite nothing in putting back, and say where the file is', async () => {
    await using setting = await planned();
    await moveAside(setting.file);
    setting.write('a.log', 'newer');
    await expect(putBack(setting.file)).rejects.toMatchObject({
      ...fault('left_aside'),
      message: expect.stringContaining('/.aside: it was a.log'),
    });
    expect(readFileSync(join(setting.root, 'a.log'), 'utf8')).toBe('newer');
    expect(readFileSync(join(setting.root, '.aside'), 'utf8')).toBe('as planned');
  });
});

function replace(root: string, make: (path: string) => void): void {
  renameSync(join(root, 'a.log'), join(root, 'kept'));
  make(join(root, 'a.log'));
}
