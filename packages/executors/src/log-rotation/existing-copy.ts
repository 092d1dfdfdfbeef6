import { FileError, type Folder, isOrdinary, openFile, readContent } from '@slacktide/acting';
import type { FileStep } from './file-step.ts';

/** A copy of the original that is there already. */
export interface ExistingCopy {
  readonly bytes: number;
  /** Of what is in it, before compression; hex. */
  readonly sha256: string;
}

/**
 * What has the copy's name: nothing, `another` file, or a copy with exactly what is in the original, as it is there when a worker died between giving the
 * copy its name and removing the original. Such a copy is brought to the disk before anybody relies on it.
 */
export async function findCopy(
  { folder, run, work }: FileStep,
  to: Folder,
  name: string,
): Promise<ExistingCopy | 'another' | undefined> {
  const { signal } = run;
  try {
    await using copy = await openFile(to, name);
    const stats = await copy.stat({ bigint: true });
    if (!isOrdinary(stats)) return 'another';
    const held = await readContent(to, name, { isCompressed: work.action === 'compress', signal });
    const original = await readContent(folder, work.name, { isCompressed: false, signal });
    if (held.sha256 !== original.sha256 || held.bytes !== original.bytes) return 'another';
    await copy.sync();
    return { bytes: Number(stats.size), sha256: held.sha256 };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (error.code === 'file_gone') return undefined;
    if (error.code === 'symbolic_link' || error.code === 'not_verified') return 'another';
    throw error;
  }
}
