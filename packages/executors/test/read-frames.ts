import { zstdDecompressSync } from 'node:zlib';

/** Reads Zstandard frames that follow each other; Node reads only the first. */
export function readFrames(file: Buffer): string {
  const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
  const starts: number[] = [];
  for (let at = file.indexOf(magic); at !== -1; at = file.indexOf(magic, at + 1)) starts.push(at);
  return starts.map((start, i) => zstdDecompressSync(file.subarray(start, starts[i + 1])).toString()).join('');
}
