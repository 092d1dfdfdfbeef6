import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, unlink } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import { bytesOf, writeWhole } from './file-bytes.ts';
import { FileError, onFile } from './file-error.ts';
import type { Folder } from './folder.ts';
import { createFile, openFile } from './open-file.ts';

/** Every frame carries a checksum, so that whoever reads the file years later notices a fault of the disk. */
const zstdOptions = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };

export interface VerifiedWrite {
  /** Name of a file that is not there yet. */
  readonly part: string;
  readonly content: AsyncIterable<Uint8Array>;
  readonly compress: boolean;
  /** Whose mode, owner and times it gets, as far as the worker may. Default: readable for the worker alone, from now. */
  readonly like?: BigIntStats;
  readonly signal: AbortSignal;
  /** Told of bytes of content as they are read. */
  readonly onBytes?: (bytes: number) => void;
  /** How a piece is written, to see what becomes of a disk that fails. Default: all of it. */
  readonly write?: (handle: FileHandle, chunk: Uint8Array) => Promise<void>;
}

export interface Written {
  /** Of the file. */
  readonly bytes: number;
  /** Of its content, before compression; hex. */
  readonly sha256: string;
  readonly contentBytes: number;
}

/**
 * Writes a file, brings it to the disk, and reads it back: what does not come out as it went in is an error. In constant memory. Leaves nothing behind
 * when it rejects.
 * @throws FileError, or the signal's reason
 */
export async function writeVerified(folder: Folder, write: VerifiedWrite): Promise<Written> {
  const path = `${folder.path}/${write.part}`;
  const handle = await createFile(folder, write.part);
  try {
    const digest = await onFile(path, () => fill(handle, write));
    await onFile(path, () => takeAfter(handle, write.like));
    await onFile(path, () => handle.sync());
    const { size } = await handle.stat();
    const read = await readContent(folder, write.part, { isCompressed: write.compress, signal: write.signal });
    if (read.sha256 !== digest.sha256 || read.bytes !== digest.bytes) {
      throw new FileError('not_verified', `${path}: what was read back is not what was written`);
    }
    return { bytes: size, sha256: digest.sha256, contentBytes: digest.bytes };
  } catch (error) {
    await unlink(folder.at(write.part)).catch(() => undefined);
    write.signal.throwIfAborted();
    throw error;
  } finally {
    await handle.close();
  }
}

/** SHA-256 and length of what is in a file. @throws FileError `not_verified` when it cannot be decompressed; or the signal's reason */
export async function readContent(
  folder: Folder,
  name: string,
  { isCompressed, signal }: { readonly isCompressed: boolean; readonly signal: AbortSignal },
): Promise<{ readonly sha256: string; readonly bytes: number }> {
  const path = `${folder.path}/${name}`;
  const digest = digester();
  await using handle = await openFile(folder, name);
  const drain = async (content: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of content) digest.add(chunk);
  };
  try {
    const source = bytesOf(handle);
    await onFile(path, () =>
      isCompressed ? pipeline(source, createZstdDecompress(), drain, { signal }) : pipeline(source, drain, { signal }),
    );
    return digest.end();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FileError) throw error;
    throw new FileError('not_verified', `${path}: it cannot be decompressed`, { cause: error });
  }
}

async function fill(handle: FileHandle, { content, compress, signal, onBytes, write = writeWhole }: VerifiedWrite) {
  const digest = digester(onBytes);
  const save = async (pieces: AsyncIterable<Uint8Array>): Promise<void> => {
    for await (const piece of pieces) await write(handle, piece);
  };
  const counted = async function* (): AsyncGenerator<Uint8Array, void> {
    for await (const chunk of content) {
      digest.add(chunk);
      yield chunk;
    }
  };
  if (compress) await pipeline(counted(), createZstdCompress(zstdOptions), save, { signal });
  else await pipeline(counted(), save, { signal });
  return digest.end();
}

function digester(onBytes?: (bytes: number) => void) {
  const hash = createHash('sha256');
  let bytes = 0;
  return {
    add(chunk: Uint8Array): void {
      hash.update(chunk);
      bytes += chunk.length;
      onBytes?.(chunk.length);
    },
    end: () => ({ sha256: hash.digest('hex'), bytes }),
  };
}

/** Only root may give the owner, and others a group that they belong to: what cannot be had is left, and the file is the worker's. */
async function takeAfter(handle: FileHandle, like: BigIntStats | undefined): Promise<void> {
  if (like === undefined) return;
  const { uid } = await handle.stat();
  const gid = Number(like.gid);
  await handle.chown(Number(like.uid), gid).catch(() => handle.chown(uid, gid).catch(() => undefined));
  await handle.chmod(Number(like.mode & 0o777n));
  // In seconds, as exact as a number can be: cut to milliseconds it would be earlier than the original.
  await handle.utimes(Number(like.atimeNs) / 1e9, Number(like.mtimeNs) / 1e9);
}
