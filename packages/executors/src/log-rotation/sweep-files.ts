import { lstat, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { errnoOf, FileError, type Folder, onFile, openFolder, putBack } from '@slacktide/acting';
import { type Executor, TargetError } from '@slacktide/application/ports';
import { type OwnFiles, ownFilesOf } from './own-files.ts';

/**
 * Puts an original that was moved aside back at its name, and removes what was being written; both are known by names that only the record has. On
 * another host nothing is known: the record stays open for a worker of the host it was made on.
 */
export const sweepFiles: NonNullable<Executor['sweep']> = async (_, { proof }, { fileRoots } = { fileRoots: [] }) => {
  const own = ownFilesOf(proof);
  if (own === undefined) return { outcome: 'kept', note: `no record of LOG_ROTATION: ${JSON.stringify(proof)}` };
  try {
    return await sweep(own, fileRoots);
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'left_aside') return { outcome: 'kept', note: error.message };
    throw new TargetError('insufficient_privilege', `files of an interrupted LOG_ROTATION: ${error.message}`);
  }
};

async function sweep(own: OwnFiles, roots: readonly string[]): ReturnType<typeof sweepFiles> {
  await using folder = await openFolder(own.root, roots);
  const done: string[] = [];
  if (await isThere(folder, own.names.aside)) {
    await putBack({ folder, name: own.name, aside: own.names.aside });
    done.push(`${own.root}/${own.name} is back at its name`);
  }
  await using to = await openFolder(own.writtenTo, roots);
  if (await isThere(to, own.names.part)) {
    await onFile(to.path, () => unlink(to.at(own.names.part)));
    await to.sync();
    done.push(`removed ${own.writtenTo}/${own.names.part}`);
  }
  if (done.length > 0) return { outcome: 'swept', note: done.join('; ') };
  // The same path elsewhere is not the same folder, and that nothing is there tells nothing.
  if (own.host !== hostname() && own.folderInode !== folder.inode) {
    throw new FileError('folder_missing', `${own.root} of host ${own.host}, and this is ${hostname()}`);
  }
  return { outcome: 'absent', note: `nothing was left in ${own.root}` };
}

async function isThere(folder: Folder, name: string): Promise<boolean> {
  try {
    await lstat(folder.at(name));
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    return await onFile(`${folder.path}/${name}`, () => Promise.reject(error));
  }
}
