import { FileError, type Folder, openFolder } from '@slacktide/acting';
import type {
  AuditExport,
  AuditHead,
  AuditStretch,
  FactsResult,
  LookContext,
  UpkeepReader,
} from '@slacktide/application/ports';
import { type KeptHead, readHead } from './read-head.ts';
import type { AuditLogFlushConfig } from './schema.ts';

/** What is new in a stream, and the file it goes to. */
export interface NewStretch {
  readonly stretch: AuditStretch;
  readonly file: string;
}

export interface AuditFacts {
  readonly heads: readonly AuditHead[];
  /** What the chains have to agree with. */
  readonly kept: readonly KeptHead[];
  readonly stretches: readonly NewStretch[];
  /** Why the folder could not be looked at; null = it could, or none is named. */
  readonly folderProblem: string | null;
}

/** No fault of the configuration. */
const away: readonly string[] = ['folder_missing', 'insufficient_privilege', 'io_error'];

interface OpenedFolder extends AsyncDisposable {
  readonly folder: Folder | undefined;
  readonly problem: string | null;
}

const noHash = '0'.repeat(64);

export async function readAuditFacts(
  config: AuditLogFlushConfig,
  { upkeep, fileRoots }: Pick<LookContext, 'upkeep' | 'fileRoots'>,
): Promise<FactsResult<AuditFacts>> {
  const heads = await upkeep.auditHeads();
  const { archive_to: path } = config;
  if (path === null) return { kind: 'facts', facts: { heads, kept: [], stretches: [], folderProblem: null } };
  try {
    await using opened = await openIfThere(path, fileRoots);
    const { folder, problem: folderProblem } = opened;
    const kept: KeptHead[] = [];
    const stretches: NewStretch[] = [];
    const exports = await upkeep.latestExports(path);
    for (const head of heads) {
      const latest = exports.find(({ stream }) => stream === head.stream);
      const stretch = await newStretch(upkeep, head, latest, config.max_events);
      if (stretch !== undefined) stretches.push(stretch);
      const end = latest && (await keptHead(latest, async (file) => folder && (await readHead(folder, file))));
      if (end !== undefined) kept.push(end);
    }
    return { kind: 'facts', facts: { heads, kept, stretches, folderProblem } };
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { kind: 'refused', problems: [{ pointer: '/archive_to', code: error.code, detail: error.message }] };
  }
}

/** What is wrong with the configuration is refused; for a folder that is away the exports fail, and the chains are verified all the same. */
async function openIfThere(path: string, roots: readonly string[]): Promise<OpenedFolder> {
  try {
    const folder = await openFolder(path, roots);
    return { folder, problem: null, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
  } catch (error) {
    if (!(error instanceof FileError) || !away.includes(error.code)) throw error;
    const problem = `${error.code}: ${error.message}`;
    return { folder: undefined, problem, [Symbol.asyncDispose]: async () => undefined };
  }
}

/** The one that was cut short, else what was sealed since the last; undefined when nothing was. */
async function newStretch(
  upkeep: Pick<UpkeepReader, 'auditHash'>,
  { stream, seq, hash }: AuditHead,
  latest: AuditExport | undefined,
  maxEvents: number,
): Promise<NewStretch | undefined> {
  if (latest !== undefined && !latest.isComplete) {
    const { afterSeq, previousHash, head, file } = latest;
    return { stretch: { stream, afterSeq, previousHash, head }, file };
  }
  const { seq: afterSeq, hash: previousHash } = latest?.head ?? { seq: 0, hash: noHash };
  const until = Math.min(seq, afterSeq + maxEvents);
  if (until <= afterSeq) return undefined;
  const untilHash = until === seq ? hash : await upkeep.auditHash(stream, until);
  // A link that is gone: looking at the whole chain tells of it.
  if (untilHash === undefined) return undefined;
  const head = { seq: until, hash: untilHash };
  return { stretch: { stream, afterSeq, previousHash, head }, file: fileName(stream, afterSeq + 1, until) };
}

/** By the file itself where it is still there: whoever can write to the ledger may not be able to write to that. */
async function keptHead(
  { stream, afterSeq, previousHash, head, file, isComplete }: AuditExport,
  read: (file: string) => Promise<KeptHead | undefined>,
): Promise<KeptHead | undefined> {
  if (!isComplete) return afterSeq === 0 ? undefined : { stream, seq: afterSeq, hash: previousHash };
  return (await read(file)) ?? { stream, ...head };
}

function fileName(stream: string, first: number, last: number): string {
  const digits = (seq: number): string => String(seq).padStart(12, '0');
  return `audit-${stream}-${digits(first)}-${digits(last)}.jsonl.zst`;
}
