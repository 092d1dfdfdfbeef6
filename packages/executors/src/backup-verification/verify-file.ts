import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, open, realpath } from 'node:fs/promises';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { isUnder } from './file-place.ts';

type Run = Pick<StepRun<unknown>, 'fileRoots' | 'signal' | 'progress'>;

/** Whether the file of a backup is there, as large as it was registered, and, where a checksum is given, what it was. No symbolic link is followed. */
export async function verifyFile(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const location = String(step.data['location']);
  const sizeBytes = Number(step.data['size_bytes']);
  const checksum = step.data['checksum'];
  if (!isUnder(location, run.fileRoots)) return { kind: 'skipped', reason: 'not_under_a_file_root_of_the_worker' };
  const seen = await look(location);
  if (seen.kind !== 'file') return seen;
  if (seen.stats.size !== sizeBytes) {
    return failed('size_mismatch', location, `has ${seen.stats.size} bytes, ${sizeBytes} are registered`, {
      size_bytes: seen.stats.size,
      registered_bytes: sizeBytes,
    });
  }
  if (typeof checksum !== 'string')
    return { kind: 'done', result: { size_bytes: sizeBytes, checksum: 'not_compared' } };
  const found = await hashOf(location, seen.stats, run);
  if (found === null) return { kind: 'skipped', reason: 'not_readable', result: { size_bytes: sizeBytes } };
  if (found === checksum) return { kind: 'done', result: { size_bytes: sizeBytes, checksum: 'matches' } };
  return failed('checksum_mismatch', location, 'is not what was registered: its SHA-256 differs', {
    sha256: found,
    registered_sha256: checksum,
  });
}

async function look(location: string): Promise<StepOutcome | { readonly kind: 'file'; readonly stats: Stats }> {
  try {
    // Of every folder on the way, too: a link could lead out of the root.
    if ((await realpath(location)) !== location) {
      return failed('backup_file_missing', location, 'is, or lies behind, a symbolic link, which is not followed', {});
    }
    const stats = await lstat(location);
    if (stats.isDirectory()) return { kind: 'skipped', reason: 'is_a_folder' };
    if (stats.isFile()) return { kind: 'file', stats };
    return failed('backup_file_missing', location, 'is no regular file', {});
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EACCES' || code === 'EPERM') return { kind: 'skipped', reason: 'not_readable' };
    if (code === undefined) throw error;
    return failed(
      'backup_file_missing',
      location,
      code === 'ENOENT' ? 'is not there' : `cannot be looked at: ${code}`,
      {},
    );
  }
}

/** Null = the worker may not read it, or it is another file by now. */
async function hashOf(location: string, { dev, ino, size }: Stats, run: Run): Promise<string | null> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const file = await open(location, flags).catch(() => null);
  if (file === null) return null;
  try {
    const opened = await file.stat();
    if (!opened.isFile() || opened.dev !== dev || opened.ino !== ino) return null;
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of file.createReadStream({
      signal: run.signal,
      autoClose: false,
      highWaterMark: 1_048_576,
    })) {
      hash.update(chunk as Buffer);
      read += (chunk as Buffer).length;
      run.progress({
        phase: 'reading the file',
        percent: Math.min(100, (100 * read) / Math.max(1, size)),
        etaSeconds: null,
      });
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

function failed(code: string, location: string, what: string, detail: JsonObject): StepOutcome {
  return { kind: 'failed', error: { code, message: `${location} ${what}`, detail: { location, ...detail } } };
}
