import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The system user a server runs as. */
export interface ServerAccount {
  uid: number;
  gid: number;
}

/**
 * The account PostgreSQL has to run as: it refuses root, so root starts it as user `postgres`, which is created when
 * absent. Undefined for everybody else: the server then runs as the caller.
 */
export function serverAccount(): ServerAccount | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return findAccount('postgres') ?? createAccount('postgres');
}

function findAccount(name: string): ServerAccount | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function createAccount(name: string): ServerAccount {
  try {
    execFileSync('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/sh', name]);
  } catch (cause) {
    // Another process may have created it at the same moment.
    if (findAccount(name) === undefined) {
      throw new Error(`PostgreSQL does not run as root and the system user "${name}" could not be created`, { cause });
    }
  }
  const account = findAccount(name);
  if (account === undefined) throw new Error(`expected user "${name}" in /etc/passwd after useradd`);
  return account;
}
