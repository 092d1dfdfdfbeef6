import { readdir, readFile, stat } from 'node:fs/promises';

/** Of the flags of open(2), who may do what; 0 = only read. */
const accessMode = 0o3;

/**
 * Files that some process has open for writing, as `device:inode`: a log that the server's standard error goes to, say, which the server itself does not
 * know of. Only of processes whose files this worker may see, such as those of its own user: what is not in it may be open all the same.
 */
export async function readFilesWrittenTo(): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const processes = await entries('/proc');
  for (const id of processes.filter((name) => /^[0-9]+$/.test(name))) {
    const open = await entries(`/proc/${id}/fd`);
    for (const file of await Promise.all(open.map((fd) => writtenFile(id, fd)))) {
      if (file !== undefined) found.add(file);
    }
  }
  return found;
}

/** Processes and their files come and go while we look, and of others we may not look. */
async function entries(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => []);
}

async function writtenFile(process: string, fd: string): Promise<string | undefined> {
  try {
    const info = await readFile(`/proc/${process}/fdinfo/${fd}`, 'utf8');
    const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(info)?.[1] ?? '0', 8);
    if ((flags & accessMode) === 0) return undefined;
    const { dev, ino, mode } = await stat(`/proc/${process}/fd/${fd}`, { bigint: true });
    return (mode & 0o170000n) === 0o100000n ? `${dev}:${ino}` : undefined;
  } catch {
    return undefined;
  }
}
