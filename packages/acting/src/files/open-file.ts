import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { onFile } from './file-error.ts';
import type { Folder } from './folder.ts';

/** Without O_NONBLOCK opening a pipe that was put in the place of a file would wait for somebody to write to it. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Opens a file of the folder for reading; follows no link, waits for nothing. @throws FileError */
export function openFile(folder: Folder, name: string): Promise<FileHandle> {
  return onFile(`${folder.path}/${name}`, () => open(folder.at(name), readFlags));
}

/** Makes a file that was not there, readable for us alone. @throws FileError */
export function createFile(folder: Folder, name: string): Promise<FileHandle> {
  return onFile(`${folder.path}/${name}`, () => open(folder.at(name), createFlags, 0o600));
}
