import { randomBytes } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import {
  FileError,
  type Folder,
  listFiles,
  onFile,
  openFolder,
  publishFile,
  readContent,
  type Written,
  writeVerified,
} from '@slacktide/acting';
import {
  type AuditStretch,
  auditStreams,
  type PlannedStep,
  type StepOutcome,
  type StepRun,
} from '@slacktide/application/ports';
import { z } from 'zod';
import { BrokenChain, exportLines } from './export-lines.ts';
import type { AuditLogFlushConfig } from './schema.ts';

type Run = StepRun<AuditLogFlushConfig>;

const data = z.object({
  folder: z.string(),
  file: z.string(),
  stream: z.enum(auditStreams),
  after_seq: z.int(),
  previous_hash: z.string(),
  until_seq: z.int(),
  hash: z.string(),
});

/** Writes a stretch of a stream to its file: on record before it is begun and after it was read back. */
export async function exportStream(step: PlannedStep, run: Run): Promise<StepOutcome> {
  const { folder: path, file, ...planned } = data.parse(step.data);
  const stretch: AuditStretch = {
    stream: planned.stream,
    afterSeq: planned.after_seq,
    previousHash: planned.previous_hash,
    head: { seq: planned.until_seq, hash: planned.hash },
  };
  const begun = await run.upkeep.beginExport(stretch, { folder: path, file });
  if (begun.kind !== 'begun') return { kind: 'skipped', reason: `exported_${begun.kind}` };
  try {
    await using folder = await openFolder(path, run.fileRoots);
    const written = await write(folder, { id: begun.id, file, stretch }, run);
    if (written === undefined) return exists(`${path}/${file}`);
    const { bytes, sha256 } = written;
    await run.upkeep.completeExport(begun.id, { bytes, sha256 });
    const events = stretch.head.seq - stretch.afterSeq;
    return { kind: 'done', result: { file: `${path}/${file}`, events, bytes, sha256, head: { ...stretch.head } } };
  } catch (error) {
    return failed(error, stretch);
  }
}

interface Work {
  readonly id: string;
  readonly file: string;
  readonly stretch: AuditStretch;
}

/** Undefined when something else has the file's name. */
async function write(folder: Folder, work: Work, run: Run): Promise<Written | undefined> {
  // Only the ledger knows the id: what begins with it is what an attempt that was cut short has left.
  const prefix = `.slacktide-${work.id}-`;
  await removeParts(folder, prefix);
  const part = `${prefix}${randomBytes(8).toString('hex')}.part`;
  let links = 0;
  const total = work.stretch.head.seq - work.stretch.afterSeq;
  const onLinks = (count: number): void => {
    links += count;
    run.progress({ phase: 'exporting', percent: (100 * links) / total, etaSeconds: null });
  };
  const content = exportLines(run.upkeep, work.stretch, onLinks);
  const written = await writeVerified(folder, { part, content, compress: true, signal: run.signal });
  try {
    run.signal.throwIfAborted();
    if (await publishFile(folder, part, work.file)) return written;
    // The one that was cut short may have come so far.
    const there = await readContent(folder, work.file, { isCompressed: true, signal: run.signal }).catch(otherwise);
    return there?.sha256 === written.sha256 ? written : undefined;
  } finally {
    await unlink(folder.at(part)).catch(() => undefined);
  }
}

function otherwise(error: unknown): undefined {
  if (!(error instanceof FileError)) throw error;
}

async function removeParts(folder: Folder, prefix: string): Promise<void> {
  const { files } = await listFiles(folder, (name) => name.startsWith(prefix), 1_000);
  for (const { name } of files) {
    if (name !== null) await onFile(`${folder.path}/${name}`, () => unlink(folder.at(name)));
  }
}

function exists(path: string): StepOutcome {
  const message = `${path}: something else has this name, and nothing is overwritten`;
  return { kind: 'failed', error: { code: 'destination_exists', message } };
}

function failed(error: unknown, { stream }: AuditStretch): StepOutcome {
  if (error instanceof BrokenChain) {
    const detail = { stream, kind: error.firstBad.kind, seq: error.firstBad.seq, event_id: error.firstBad.eventId };
    return { kind: 'failed', error: { code: 'audit_broken', message: `${stream}: ${error.message}`, detail } };
  }
  if (error instanceof FileError) return { kind: 'failed', error: { code: error.code, message: error.message } };
  throw error;
}
