import { chmodSync, existsSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { reachableTempDir, type ServerAccount } from '@slacktide/local';

const memoryDir = '/dev/shm';
const freeBytes = 4 * 2 ** 30;

/**
 * A new directory for a PostgreSQL's files which the account can reach; remove it with the server. In memory where there is
 * plenty of it: a database is 300 files, and file systems may take 1 ms to make one (ext4 without a journal, soon after
 * others were removed), so that a database for every test costs 0.3 s on a disk and 0.02 s in memory.
 */
export function makeClusterDir(account: ServerAccount | undefined, name: string): string {
  const dir = mkdtempSync(join(hasRoomInMemory() ? memoryDir : reachableTempDir(account), `slacktide-${name}-`));
  // mkdtemp makes it 0700; PostgreSQL may run as another user and keeps its own data directory closed.
  chmodSync(dir, 0o755);
  return dir;
}

/** Containers often have 64 MB there, and mount it so that a copy of the binaries could not run. */
function hasRoomInMemory(): boolean {
  if (process.platform !== 'linux' || !existsSync(memoryDir)) return false;
  const { bavail, bsize } = statfsSync(memoryDir);
  const mount = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .findLast(([, place]) => place === memoryDir);
  const options = mount?.[3]?.split(',') ?? ['noexec'];
  return !options.includes('noexec') && bavail * bsize >= freeBytes && process.availableMemory() >= 2 * freeBytes;
}
