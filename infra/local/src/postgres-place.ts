import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { isReachable } from './reachable.ts';
import type { ServerAccount } from './server-account.ts';

/**
 * The directory of PostgreSQL's files: inside the home, or in /var/tmp when the account it runs as cannot get there (a
 * checkout in /root, or below `mktemp -d`): nobody's permissions are changed for it. It stays where it once was.
 */
export function postgresPlace(home: string, account: ServerAccount | undefined): string {
  const inside = join(home, 'postgres');
  const outside = `/var/tmp/slacktide-${createHash('sha256').update(home).digest('hex').slice(0, 16)}`;
  const reachable = isReachable(home, account);
  if (existsSync(inside) && !reachable) {
    throw new Error(
      `user postgres can no longer reach ${inside}, where its data are: open the way to it (chmod o+x), or start anew with another SLACKTIDE_HOME.`,
    );
  }
  const place = existsSync(outside) || !reachable ? outside : inside;
  mkdirSync(place, { recursive: true, mode: 0o711 });
  // Anybody may make a directory in /var/tmp: one that is not ours could hold binaries that are not ours.
  if (process.getuid && lstatSync(place).uid !== process.getuid()) {
    throw new Error(`${place} belongs to another user: remove it, or choose another SLACKTIDE_HOME.`);
  }
  return place;
}
