import type { FileHandle } from 'node:fs/promises';

const chunkBytes = 256 * 1024;

/** The bytes of an open file from its beginning, a piece at a time. */
export async function* bytesOf(handle: FileHandle): AsyncGenerator<Buffer, void> {
  for (let position = 0; ; ) {
    // Whoever comes next may still hold the piece before.
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/** Writes all of a piece where the last one ended: the system may take only a part of it at a time. */
export async function writeWhole(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.length; ) {
    written += (await handle.write(chunk, written)).bytesWritten;
  }
}
