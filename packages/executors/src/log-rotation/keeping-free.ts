import { FileError, type Folder } from '@slacktide/acting';

const bytesPerMb = 1024 * 1024;
/** Of what is read, until free space is looked at again: what is written of it is no more, and a disk does not fill much faster. */
const lookEveryBytes = 16 * bytesPerMb;

/** The same bytes, as long as so much stays free on the folder's disk: a database may need it. @throws FileError `disk_full` */
export async function* keepingFree(
  folder: Folder,
  minFreeMb: number,
  content: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer, void> {
  let sinceLook = Number.POSITIVE_INFINITY;
  for await (const chunk of content) {
    if (sinceLook >= lookEveryBytes) {
      const freeMb = (await folder.freeBytes()) / bytesPerMb;
      if (freeMb < minFreeMb + lookEveryBytes / bytesPerMb) {
        const message = `${folder.path}: ${Math.floor(freeMb)} MiB are free, and min_free_mb is ${minFreeMb}`;
        throw new FileError('disk_full', message);
      }
      sinceLook = 0;
    }
    sinceLook += chunk.length;
    yield chunk;
  }
}
