import { existsSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, resolve } from 'node:path';
import type { ServerAccount } from './server-account.ts';

/**
 * Whether the account may enter every directory from `/` down to `path` (for a path that does not exist yet: down to its
 * nearest existing ancestor). A checkout below `mktemp -d` (0700) or `/root` fails this for user `postgres`.
 */
export function isReachable(path: string, account: ServerAccount | undefined): boolean {
  if (account === undefined) return true;
  return ancestors(path).every((directory) => mayEnter(directory, account));
}

/** A directory for temporary files which the account can reach; `TMPDIR` when it is one. */
export function reachableTempDir(account: ServerAccount | undefined): string {
  const found = [tmpdir(), '/tmp', '/var/tmp'].find(
    (directory) => existsSync(directory) && isReachable(directory, account),
  );
  if (found === undefined) throw new Error('expected TMPDIR, /tmp or /var/tmp to be open to user postgres, none is');
  return found;
}

function ancestors(path: string): string[] {
  const absolute = resolve(path);
  const parent = dirname(absolute);
  const above = parent === absolute ? [] : ancestors(parent);
  return existsSync(absolute) && statSync(absolute).isDirectory() ? [...above, absolute] : above;
}

function mayEnter(directory: string, account: ServerAccount): boolean {
  const { mode, uid, gid } = statSync(directory);
  if (uid === account.uid) return (mode & 0o100) !== 0;
  if (gid === account.gid) return (mode & 0o010) !== 0;
  return (mode & 0o001) !== 0;
}
