import { posix } from 'node:path';

/** Whether a path lies under one of the roots, as it is written: without `..`, doubled slashes and the like. */
export function isUnder(path: string, roots: readonly string[]): boolean {
  if (!posix.isAbsolute(path) || posix.normalize(path) !== path || path.includes('\0')) return false;
  return roots.some((root) => path.startsWith(root.endsWith('/') ? root : `${root}/`));
}
