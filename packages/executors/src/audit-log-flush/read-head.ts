import { Readable } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { bytesOf, FileError, type Folder, openFile } from '@slacktide/acting';
import { type AuditHead, auditStreams } from '@slacktide/application/ports';
import { z } from 'zod';
import { exportFormat } from './export-lines.ts';

/** The end of a stream as it was exported. */
export type KeptHead = Pick<AuditHead, 'stream' | 'seq' | 'hash'>;

/** A first line is some hundred bytes; what is longer is none of ours. */
const longestHeader = 10_000;

const header = z.object({
  format: z.literal(exportFormat),
  stream: z.enum(auditStreams),
  head: z.object({ seq: z.int().min(1), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
});

/** The end of the chain that an exported file says it has; undefined when the file is gone, was moved away, or is none of ours. */
export async function readHead(folder: Folder, file: string): Promise<KeptHead | undefined> {
  try {
    const line = await firstLine(folder, file);
    const parsed = header.safeParse(JSON.parse(line));
    return parsed.success ? { stream: parsed.data.stream, ...parsed.data.head } : undefined;
  } catch (error) {
    const isOrdinary = error instanceof FileError || error instanceof SyntaxError || hasZstdCode(error);
    if (!isOrdinary) throw error;
    return undefined;
  }
}

function hasZstdCode(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ZSTD');
}

async function firstLine(folder: Folder, file: string): Promise<string> {
  await using handle = await openFile(folder, file);
  let text = '';
  for await (const chunk of Readable.from(bytesOf(handle)).pipe(createZstdDecompress())) {
    text += String(chunk);
    const end = text.indexOf('\n');
    if (end >= 0) return text.slice(0, end);
    if (text.length > longestHeader) break;
  }
  return '';
}
