import { link, lstat, rename, unlink } from 'node:fs/promises';
import { errnoOf, FileError, onFile } from './file-error.ts';
import { type FileIdentity, identityOf, isOrdinary, isSame } from './file-identity.ts';
import type { Folder } from './folder.ts';

/** A file of a folder, and a name in it that nobody else knows. */
export interface AsideFile {
  readonly folder: Folder;
  readonly name: string;
  readonly aside: string;
  /** Which file it has to be, in which state. */
  readonly identity: FileIdentity;
}

/**
 * Moves the very file that `identity` says to its other name, to be removed there: so what somebody puts at `name` in between is not hit. False = it is
 * not that file any more, and what was moved is back at its name.
 * @throws FileError; `left_aside` when it could not be put back
 */
export async function moveAside(file: AsideFile): Promise<boolean> {
  const { folder, name, aside } = file;
  await onFile(`${folder.path}/${name}`, () => rename(folder.at(name), folder.at(aside)));
  if (await isStill(file)) return true;
  await putBack(file);
  return false;
}

/**
 * Removes the file that was moved aside, looked at once more. False = it was changed meanwhile, and is back at its name, as it is when this rejects.
 * @throws FileError; `left_aside` when it could not be put back
 */
export async function removeAside(file: AsideFile): Promise<boolean> {
  const { folder, name, aside } = file;
  try {
    if (await isStill(file)) {
      await onFile(`${folder.path}/${name}`, () => unlink(folder.at(aside)));
      await folder.sync();
      return true;
    }
  } catch (error) {
    await putBack(file);
    throw error;
  }
  await putBack(file);
  return false;
}

/** Gives a file that was moved aside its name again, if nothing has it. @throws FileError `left_aside` */
export async function putBack({ folder, name, aside }: Pick<AsideFile, 'folder' | 'name' | 'aside'>): Promise<void> {
  try {
    const stats = await lstat(folder.at(aside));
    if (stats.isDirectory()) {
      // A folder has one name only: moving it fails where a file, or a folder with something in it, has the name.
      await rename(folder.at(aside), folder.at(name));
    } else {
      await link(folder.at(aside), folder.at(name));
      await unlink(folder.at(aside));
    }
    await folder.sync();
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof FileError)) throw error;
    const message = `${folder.path}/${aside}: it was ${name} and could not be put back`;
    throw new FileError('left_aside', message, { cause: error });
  }
}

async function isStill({ folder, name, aside, identity }: AsideFile): Promise<boolean> {
  const stats = await onFile(`${folder.path}/${name}`, () => lstat(folder.at(aside), { bigint: true }));
  return isOrdinary(stats) && isSame(identityOf(stats), identity);
}
