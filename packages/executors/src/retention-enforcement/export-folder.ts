import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { isAbsolute, sep } from 'node:path';
import type { LookContext } from '@slacktide/application/ports';

export type ExportFolder =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string };

/** The folder as it really is, when that is below one of the roots: wherever a symbolic link leads, it does not lead out. */
export async function openExportFolder(
  { fileRoots }: Pick<LookContext, 'fileRoots'>,
  path: string,
): Promise<ExportFolder> {
  const refused = (code: string, detail: string): ExportFolder => ({ kind: 'refused', code, detail });
  const named = JSON.stringify(path);
  if (!isAbsolute(path) || path.includes('\0')) return refused('export_not_allowed', `${named} is no absolute path.`);
  try {
    const real = await realpath(path);
    const isBelow = fileRoots.some((root) => real === root || real.startsWith(root.endsWith(sep) ? root : root + sep));
    if (!isBelow) return refused('export_not_allowed', `${named} is below none of the file roots of this worker.`);
    if (!(await stat(real)).isDirectory()) return refused('export_no_folder', `${named} is no folder.`);
    await access(real, constants.W_OK | constants.X_OK);
    return { kind: 'folder', path: real };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EROFS')
      return refused('export_not_writable', `The worker may not write to ${named}.`);
    // Whether anything is there is not told of places outside of the roots.
    return refused('export_no_folder', `${named} is no folder that the worker can reach.`);
  }
}
