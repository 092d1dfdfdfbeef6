import { createHash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants as zlib, zstdCompress, zstdDecompress } from 'node:zlib';
import type { JsonObject } from '@slacktide/domain';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** What was exported: enough to find and to prove it. */
export interface Exported {
  readonly path: string;
  readonly rows: number;
  /** The sum of the first 60 bits of the SHA-256 of each line, as the target computes it. */
  readonly checksum: string;
  readonly bytes: number;
}

/** The export could not be written, or does not read as it was written: nothing may be deleted. */
export class ExportError extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = 'ExportError';
  }
}

/**
 * A file of JSON lines, one a row, as Zstandard frames one after another (`zstdcat` reads them as one). What was appended is on the disk, and was read
 * back and compared, before `append` settles. No file is ever overwritten. Beside it a manifest is written when it is complete: without one it is not.
 */
export class Archive {
  readonly path: string;
  readonly #file: FileHandle;
  #bytes = 0;
  #rows = 0;
  #sum = 0n;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** `key` is what is exported, e.g. `public.events`; whatever a file name may not hold is replaced. */
  static create(folder: string, key: string, at: Date): Promise<Archive> {
    const safe = key
      .replace(/[^A-Za-z0-9._-]+/g, '_')
      .replace(/^\.+/, '_')
      .slice(0, 100);
    const stamp = at.toISOString().replace(/[-:]|\.\d+/g, '');
    const path = join(folder, `${safe}-${stamp}-${randomBytes(4).toString('hex')}.jsonl.zst`);
    return guarded('create', path, async () => {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
      const archive = new Archive(path, await open(path, flags, 0o600));
      await syncFolder(folder);
      return archive;
    });
  }

  get exported(): Exported {
    return { path: this.path, rows: this.#rows, checksum: String(this.#sum), bytes: this.#bytes };
  }

  /** Adds lines as a frame of their own. */
  async append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    await guarded('write', this.path, async () => {
      const text = Buffer.from(`${lines.join('\n')}\n`);
      const frame = await compress(text, { params: { [zlib.ZSTD_c_checksumFlag]: 1 } });
      await this.#file.write(frame, 0, frame.length, this.#bytes);
      await this.#file.sync();
      const kept = Buffer.alloc(frame.length);
      await this.#file.read(kept, 0, kept.length, this.#bytes);
      const read = (await decompress(kept)).toString().split('\n').slice(0, -1);
      const sum = checksumOf(lines);
      if (read.length !== lines.length || checksumOf(read) !== sum)
        throw new Error('it does not read as it was written');
      this.#bytes += frame.length;
      this.#rows += lines.length;
      this.#sum += sum;
    });
  }

  /** Takes back what was appended since `exported` was `to`: it was not deleted. */
  async rewind({ bytes, rows, checksum }: Exported): Promise<void> {
    this.#bytes = bytes;
    this.#rows = rows;
    this.#sum = BigInt(checksum);
    await guarded('shorten', this.path, async () => {
      await this.#file.truncate(bytes);
      await this.#file.sync();
    });
  }

  /** Closes it and writes beside it what it holds. */
  async complete(about: JsonObject): Promise<void> {
    await guarded('complete', this.path, async () => {
      await this.#file.sync();
      await this.#file.close();
      const { path, ...exported } = this.exported;
      const text = JSON.stringify({ format: 'jsonl.zst', ...about, ...exported }, null, 2);
      const manifest = await open(`${path}.manifest.json`, 'wx', 0o600);
      try {
        await manifest.writeFile(`${text}\n`);
        await manifest.sync();
      } finally {
        await manifest.close();
      }
      await syncFolder(join(path, '..'));
    });
  }

  /** Closes it as it is, without a manifest. Never rejects. */
  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined);
  }

  /** Removes it: nothing was deleted. Never rejects. */
  async discard(): Promise<void> {
    await this.abandon();
    await unlink(this.path).catch(() => undefined);
    await unlink(`${this.path}.manifest.json`).catch(() => undefined);
  }
}

function checksumOf(lines: readonly string[]): bigint {
  return lines.reduce(
    (sum, line) => sum + BigInt(`0x${createHash('sha256').update(line).digest('hex').slice(0, 15)}`),
    0n,
  );
}

/** A name is on the disk once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function guarded<T>(what: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ExportError(`could not ${what} the export ${path}: ${why}`, { cause: error });
  }
}
