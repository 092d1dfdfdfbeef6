import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const serverNames = ['redis-server', 'valkey-server'];

/**
 * The path of a Redis (or Valkey) server: the one on the PATH, else installed by apt-get where the user is root on Debian
 * or Ubuntu. Throws with what to do when there is none. `log` hears of an installation.
 */
export function redisBinary(log: (line: string) => void): string {
  const present = findRedis();
  if (present !== undefined) return present;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version') && isRunnable('/usr/bin/apt-get')) {
    log('redis-server is missing: installing it with apt-get');
    installRedis();
  }
  const installed = findRedis();
  if (installed !== undefined) return installed;
  throw new Error(
    'Redis is needed and neither redis-server nor valkey-server is on the PATH.\n' +
      'Install one (Debian, Ubuntu: apt-get install redis-server; macOS: brew install redis) or set REDIS_URL.',
  );
}

function findRedis(): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin'].filter(Boolean);
  return directories.flatMap((directory) => serverNames.map((name) => join(directory, name))).find(isRunnable);
}

function isRunnable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installRedis(): void {
  // Waiting for the lock: two test runs may start on a fresh machine at once.
  const install = ['-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '-q', '--no-install-recommends', 'redis-server'];
  if (!run('apt-get', install)) {
    run('apt-get', ['-o', 'DPkg::Lock::Timeout=120', 'update', '-q']);
    run('apt-get', install);
  }
  // The package starts a service of its own on port 6379, now and at every boot. Only the binary is wanted.
  if (existsSync('/run/systemd/system')) run('systemctl', ['disable', '--now', 'redis-server.service']);
  else if (existsSync('/etc/init.d/redis-server')) {
    run('/etc/init.d/redis-server', ['stop']);
    run('update-rc.d', ['redis-server', 'disable']);
  }
}

function run(command: string, args: string[]): boolean {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(command, args, { env, stdio: ['ignore', 'ignore', 'ignore'] }).status === 0;
}
