import type { BigIntStats } from 'node:fs';
import { lstat, opendir } from 'node:fs/promises';
import { errnoOf, onFile } from './file-error.ts';
import { nameOfBytes } from './file-names.ts';
import type { Folder } from './folder.ts';

/** An entry of a folder as it is now. */
export interface ListedFile {
  /** Null when its bytes are no text; then it is shown escaped in `shownAs`. */
  readonly name: string | null;
  readonly shownAs: string;
  /** Of the entry itself: no link is followed. Null when its name is no text. */
  readonly stats: BigIntStats | null;
}

/** Entries whose name `matches`, folders left out, in no order; at most `limit`, then `isWhole` is false. @throws FileError */
export async function listFiles(
  folder: Folder,
  matches: (name: string) => boolean,
  limit: number,
): Promise<{ readonly files: readonly ListedFile[]; readonly isWhole: boolean }> {
  const files: ListedFile[] = [];
  let isWhole = true;
  await onFile(folder.path, async () => {
    // latin1 keeps every byte of a name as it is.
    for await (const { name: bytes } of await opendir(folder.at('.'), { encoding: 'latin1' })) {
      const name = nameOfBytes(Buffer.from(bytes, 'latin1'));
      if (!matches(name ?? bytes)) continue;
      const stats = name === undefined ? null : await statOf(folder, name);
      if (stats === undefined || stats?.isDirectory() === true) continue;
      if (files.length === limit) {
        isWhole = false;
        return;
      }
      files.push({ name: name ?? null, shownAs: name ?? JSON.stringify(bytes), stats });
    }
  });
  return { files, isWhole };
}

/** Undefined when it went meanwhile. */
async function statOf(folder: Folder, name: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(folder.at(name), { bigint: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
