import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';

/** What an injector needs of the machine beyond Node. */
export type HostTool = 'network namespaces' | 'faketime';

/** Debian's name for the library that moves the clocks of one process. */
const faketimeLibraries = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map(
  (platform) => `/usr/lib/${platform}/faketime/libfaketimeMT.so.1`,
);

const packagesOf: Record<HostTool, readonly string[]> = {
  'network namespaces': ['iptables', 'iproute2'],
  faketime: ['faketime'],
};

const triedToInstall = new Set<HostTool>();

/**
 * Why a tool cannot be used here, or undefined when it can. Where the user is root on Debian or Ubuntu a missing package is
 * installed first, once a process.
 */
export function whyNot(tool: HostTool): string | undefined {
  const missing = missingPart(tool);
  if (missing === undefined || triedToInstall.has(tool)) return missing;
  triedToInstall.add(tool);
  if (!isRoot() || !existsSync('/etc/debian_version')) return missing;
  install(packagesOf[tool]);
  return missingPart(tool);
}

/** Path of libfaketime. @throws Error where there is none: ask `whyNot` first. */
export function faketimeLibrary(): string {
  const found = faketimeLibraries.find((path) => existsSync(path));
  if (found === undefined) throw new Error(`faketime: ${missingPart('faketime')}`);
  return found;
}

function missingPart(tool: HostTool): string | undefined {
  switch (tool) {
    case 'faketime':
      return faketimeLibraries.some((path) => existsSync(path))
        ? undefined
        : 'libfaketime is not installed (Debian: apt-get install faketime)';
    case 'network namespaces':
      if (process.platform !== 'linux') return 'network namespaces are of Linux';
      if (!isRoot()) return 'only root may make network namespaces';
      for (const command of ['ip', 'iptables', 'sysctl']) {
        if (!isRunnable(command))
          return `${command} is not installed (Debian: apt-get install iptables iproute2 procps)`;
      }
      return natProblem();
  }
}

/** Containers are often root without the right to change the network, and kernels come without NAT. */
function natProblem(): string | undefined {
  const nat = spawnSync('iptables', ['-w', '-t', 'nat', '-S'], { encoding: 'utf8' });
  return nat.status === 0 ? undefined : `iptables cannot be used: ${nat.stderr.trim().split('\n')[0]}`;
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function isRunnable(command: string): boolean {
  return ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((directory) => {
    try {
      accessSync(`${directory}/${command}`, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function install(packages: readonly string[]): void {
  const options = ['-o', 'DPkg::Lock::Timeout=120', '-q'];
  const apt = (args: readonly string[]): boolean =>
    spawnSync('apt-get', [...options, ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: 'ignore',
      timeout: 180_000,
    }).status === 0;
  const wanted = ['install', '-y', '--no-install-recommends', ...packages];
  if (!apt(wanted) && apt(['update'])) apt(wanted);
}
