import { constants } from 'node:fs';
import { type FileHandle, open, readlink, statfs } from 'node:fs/promises';
import { errnoOf, FileError, onFile } from './file-error.ts';
import { isPlainFolder, isWithin } from './file-names.ts';

/** Opens a place in the tree without a right to read it (open(2)); Node has no name for it. */
const O_PATH = 0o10000000;
const { O_DIRECTORY, O_NOFOLLOW, O_RDONLY } = constants;

/** A folder that is held open: whatever is put at its path meanwhile, its files are those of this one. */
export interface Folder extends AsyncDisposable {
  readonly path: string;
  readonly device: string;
  readonly inode: string;
  /** The way to a file in it, by the held folder. The caller has made sure that `name` is one name. */
  at(name: string): string;
  /** Makes lasting which names there are. */
  sync(): Promise<void>;
  /** Bytes free for us on its file system. */
  freeBytes(): Promise<number>;
}

/**
 * Opens a folder that is one of `roots` or lies within one. From `/` down every name is opened in the folder before it and none may be a symbolic link:
 * what is swapped on the way is not followed.
 * @throws FileError
 */
export async function openFolder(path: string, roots: readonly string[]): Promise<Folder> {
  if (!isPlainFolder(path) || !isWithin(path, roots)) {
    const allowed = roots.length === 0 ? 'none: FILE_ROOTS is not set' : roots.join(', ');
    throw new FileError('folder_not_allowed', `${path}: this worker may touch files in ${allowed}`);
  }
  if (process.platform !== 'linux') {
    throw new FileError('unsupported_platform', `${path}: files are worked on under Linux only`);
  }
  const handle = await onFile(path, () => descend(path));
  try {
    return await held(path, handle);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

async function descend(path: string): Promise<FileHandle> {
  const names = path.split('/').slice(1);
  let handle = await open('/', O_PATH | O_DIRECTORY);
  for (const [position, name] of names.entries()) {
    const parent = handle;
    const isLast = position === names.length - 1;
    try {
      handle = await open(
        `/proc/self/fd/${parent.fd}/${name}`,
        (isLast ? O_RDONLY : O_PATH) | O_DIRECTORY | O_NOFOLLOW,
      );
    } catch (error) {
      throw await refusal(path, `/${names.slice(0, position + 1).join('/')}`, error);
    } finally {
      await parent.close();
    }
  }
  return handle;
}

/** Says what stands in the way, and where a symbolic link leads: that is what to configure instead. */
async function refusal(path: string, at: string, error: unknown): Promise<unknown> {
  const errno = errnoOf(error);
  if (errno === 'ENOENT') return new FileError('folder_missing', `${path}: there is no ${at}`, { cause: error });
  if (errno !== 'ELOOP' && errno !== 'ENOTDIR') return error;
  const target = await readlink(at).catch(() => undefined);
  if (target === undefined) return new FileError('folder_missing', `${path}: ${at} is no folder`, { cause: error });
  const message = `${path}: ${at} is a symbolic link to ${target}, and none is followed; name the folder itself`;
  return new FileError('symbolic_link', message, { cause: error });
}

async function held(path: string, handle: FileHandle): Promise<Folder> {
  const { dev, ino } = await handle.stat({ bigint: true });
  const self = `/proc/self/fd/${handle.fd}`;
  const now = await readlink(self);
  if (now !== path) throw new FileError('folder_missing', `${path}: it was moved to ${now} meanwhile`);
  return {
    path,
    device: String(dev),
    inode: String(ino),
    at: (name) => `${self}/${name}`,
    sync: () => onFile(path, () => handle.sync()),
    freeBytes: () => onFile(path, () => freeBytesAt(self)),
    [Symbol.asyncDispose]: () => handle.close(),
  };
}

async function freeBytesAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
