import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { embeddedPostgres } from '@slacktide/local';

/** Where PostgreSQL's load generator is, or why there is none here. */
export type PgbenchProgram = { readonly path: string } | { readonly missing: string };

/** Ignored by git, and by every tool that reads the sources of `test`. */
const kept = fileURLToPath(new URL('../.slacktide/', import.meta.url));
const unpacked = join(kept, 'pgbench');
const debianHome = 'usr/lib/postgresql';

let found: PgbenchProgram | undefined;

/**
 * Looks where Debian keeps it, on the PATH, and beside the servers of the tests. Where the user is root on Debian or Ubuntu and there is none, it is taken
 * out of the server's package, once a checkout: to install that package would start a server.
 */
export function pgbenchProgram(): PgbenchProgram {
  found ??= look();
  return found;
}

function look(): PgbenchProgram {
  const here = firstThatRuns();
  if (here !== undefined) return { path: here };
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) unpack();
  const path = firstThatRuns();
  return path === undefined ? { missing: 'pgbench is not installed (Debian: apt-get install postgresql)' } : { path };
}

/** Debian's /usr/bin/pgbench is a wrapper that looks for clusters: what it wraps comes first. */
function firstThatRuns(): string | undefined {
  const directories = [
    ...versionsIn(`/${debianHome}`),
    ...(process.env['PATH'] ?? '').split(delimiter).filter(Boolean),
    join(embeddedPostgres(18, import.meta.url), 'bin'),
    ...versionsIn(join(unpacked, debianHome)),
  ];
  return directories.map((directory) => join(directory, 'pgbench')).find(runs);
}

/** Newest first. */
function versionsIn(home: string): string[] {
  if (!existsSync(home)) return [];
  const versions = readdirSync(home).toSorted((a, b) => Number(b) - Number(a));
  return versions.map((version) => join(home, version, 'bin'));
}

function runs(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return false;
  }
  return spawnSync(path, ['--version'], { stdio: 'ignore' }).status === 0;
}

function unpack(): void {
  mkdirSync(kept, { recursive: true });
  const place = mkdtempSync(join(kept, 'pgbench-unfinished-'));
  try {
    if (serverPackage() === undefined) apt(['update'], place);
    const name = serverPackage();
    if (name === undefined) return;
    // The library that it needs is no service.
    apt(['install', '-y', '--no-install-recommends', 'libpq5'], place);
    if (!apt(['download', name], place) && apt(['update'], place)) apt(['download', name], place);
    const archive = readdirSync(place).find((file) => file.endsWith('.deb'));
    if (archive === undefined) return;
    if (spawnSync('dpkg-deb', ['-x', join(place, archive), place], { stdio: 'ignore' }).status !== 0) return;
    if (!existsSync(unpacked)) renameSync(place, unpacked);
  } catch {
    // Another run was quicker, or the disk is full: the caller looks once more, and says that there is none.
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** The package that Debian's `postgresql` stands for, e.g. `postgresql-15`; undefined = apt knows of none. */
function serverPackage(): string | undefined {
  const { stdout } = spawnSync('apt-cache', ['depends', 'postgresql'], {
    env: { ...process.env, LC_ALL: 'C' },
    encoding: 'utf8',
  });
  return /Depends: (postgresql-\d+)$/m.exec(stdout ?? '')?.[1];
}

function apt(args: readonly string[], directory: string): boolean {
  // Waiting for the lock: two test runs may start on a fresh machine at once.
  const { status } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-q', ...args], {
    cwd: directory,
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: 'ignore',
    timeout: 180_000,
  });
  return status === 0;
}
