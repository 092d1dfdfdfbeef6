import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { majors, type PostgresMajor } from './postgres.ts';

/** PostgreSQL as Debian has it, with one extension of Debian's packages; or why there is none here. */
export type DebianPostgres =
  | {
      readonly kind: 'found';
      readonly major: PostgresMajor;
      /** For `startPostgres`. */
      readonly installation: string;
    }
  | { readonly kind: 'missing'; readonly reason: string };

/** How long others may keep apt to themselves. */
const patienceMs = 150_000;
const betweenAttemptsMs = 2_000;
/** Longer than a package of a few hundred kB takes: to break off in its middle would leave half of it. */
const aptLimitMs = 180_000;

/**
 * The newest major of which Debian's server is installed, with an extension that the npm packages lack. Where the user is root on Debian or Ubuntu its package
 * is installed first; the server's is not, since that makes a cluster and starts it.
 */
export async function debianPostgres(extension: string): Promise<DebianPostgres> {
  const major = majors.toReversed().find((each) => existsSync(`/usr/lib/postgresql/${each}/bin/initdb`));
  if (major === undefined)
    return missing('no PostgreSQL of Debian is installed here (e.g. apt-get install postgresql)');
  const control = `/usr/share/postgresql/${major}/extension/${extension}.control`;
  const aptPackage = `postgresql-${major}-${extension}`;
  if (!existsSync(control)) {
    if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
      return missing(`${extension} is not installed (Debian: apt-get install ${aptPackage})`);
    }
    const problem = await install(aptPackage);
    if (!existsSync(control)) return missing(`${aptPackage} cannot be installed: ${problem}`);
  }
  return { kind: 'found', major, installation: `/usr/lib/postgresql/${major}` };
}

function missing(reason: string): DebianPostgres {
  return { kind: 'missing', reason };
}

/** What went wrong at last; empty when nothing did. Others may be at work with apt: then it is tried again. */
async function install(aptPackage: string): Promise<string> {
  const wanted = ['install', '-y', '--no-install-recommends', aptPackage];
  const startedAtMs = performance.now();
  for (let listsAreFresh = false; ; await pause(betweenAttemptsMs)) {
    let problem = await apt(wanted);
    if (problem !== '' && !isLocked(problem) && !listsAreFresh) {
      const ofLists = await apt(['update']);
      listsAreFresh = ofLists === '';
      problem = listsAreFresh ? await apt(wanted) : ofLists;
    }
    if (problem === '' || !isLocked(problem) || performance.now() - startedAtMs > patienceMs) return problem;
  }
}

/** Of dpkg, of the lists, or of the archive: apt itself waits for the first alone. */
function isLocked(problem: string): boolean {
  return /could not get lock|unable to lock|is another process using it/i.test(problem);
}

/** The first line of what apt-get complained about; empty when it did not. */
async function apt(args: readonly string[]): Promise<string> {
  try {
    await promisify(execFile)('apt-get', ['-o', 'DPkg::Lock::Timeout=60', '-q', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' },
      timeout: aptLimitMs,
    });
    return '';
  } catch (error) {
    const { stderr = '', message } = error as Error & { stderr?: string };
    return stderr.split('\n').find((line) => line.startsWith('E:')) ?? message.split('\n', 1)[0] ?? 'apt-get failed';
  }
}
