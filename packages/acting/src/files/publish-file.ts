import { link, unlink } from 'node:fs/promises';
import { errnoOf, onFile } from './file-error.ts';
import type { Folder } from './folder.ts';

/**
 * Gives a finished file its name, at once and only if nothing has it: a rename would overwrite. Lasting when it resolves. False = the name is taken, and
 * the part is still there.
 * @throws FileError
 */
export async function publishFile(folder: Folder, part: string, name: string): Promise<boolean> {
  const path = `${folder.path}/${name}`;
  try {
    await link(folder.at(part), folder.at(name));
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false;
    return await onFile(path, () => Promise.reject(error));
  }
  await onFile(path, () => unlink(folder.at(part)));
  await folder.sync();
  return true;
}
