import {
  FileError,
  type FileIdentity,
  identityOf,
  type ListedFile,
  listFiles,
  nameMatcher,
  openFolder,
} from '@slacktide/acting';
import type { ConfigProblem, FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import { readFilesWrittenTo } from './files-written-to.ts';
import type { FileRule, LogRotationConfig } from './schema.ts';
import { readServerLog, type ServerLog } from './server-log.ts';

/** A file as it was seen. */
export interface SeenFile {
  /** Null when its bytes are no text. */
  readonly name: string | null;
  readonly shownAs: string;
  readonly kind: 'ordinary' | 'hard_linked' | 'symbolic_link' | 'not_a_regular_file';
  readonly identity: FileIdentity | null;
  /** A process that this worker may look at has it open for writing. */
  readonly isWrittenTo: boolean;
}

/** What a rule finds in its folder. */
export type SeenFolder =
  | {
      readonly kind: 'seen';
      readonly device: string;
      readonly inode: string;
      readonly files: readonly SeenFile[];
      readonly isWhole: boolean;
    }
  | { readonly kind: 'unseen'; readonly reason: string };

export interface LogFacts {
  /** The ledger's clock, in milliseconds since 1970. */
  readonly nowMs: number;
  readonly serverLog: ServerLog;
  /** By the rules of the configuration. */
  readonly folders: readonly SeenFolder[];
}

/** More in one folder than anybody can want: what is newest of them cannot be told then. */
const mostFiles = 100_000;

/** What the configuration is to blame for. */
const blamed: readonly string[] = ['folder_not_allowed', 'folder_missing', 'symbolic_link', 'unsupported_platform'];

export async function readLogFacts(
  reader: TargetReader,
  config: LogRotationConfig,
  { fileRoots, memory }: LookContext,
): Promise<FactsResult<LogFacts>> {
  const problems: ConfigProblem[] = [];
  const folders: SeenFolder[] = [];
  const written = config.rules.length === 0 ? new Set<string>() : await readFilesWrittenTo();
  for (const [position, rule] of config.rules.entries()) {
    const at = `/rules/${position}`;
    folders.push(await looking(problems, `${at}/root`, () => seeFolder(rule, fileRoots, written)));
    const { archive_to: archive } = rule;
    if (archive !== null) await looking(problems, `${at}/archive_to`, () => mayOpen(archive, fileRoots));
  }
  if (problems.length > 0) return { kind: 'refused', problems };
  const now = await memory.now();
  return { kind: 'facts', facts: { nowMs: now.getTime(), serverLog: await readServerLog(reader), folders } };
}

/** Looks; what stands in the way is the configuration's problem, or leaves the folder unseen. */
async function looking(
  problems: ConfigProblem[],
  pointer: string,
  look: () => Promise<SeenFolder>,
): Promise<SeenFolder> {
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    if (blamed.includes(error.code)) problems.push({ pointer, code: error.code, detail: error.message });
    return { kind: 'unseen', reason: `${error.code}: ${error.message}` };
  }
}

async function seeFolder(rule: FileRule, roots: readonly string[], written: ReadonlySet<string>): Promise<SeenFolder> {
  await using folder = await openFolder(rule.root, roots);
  const { files, isWhole } = await listFiles(folder, nameMatcher(rule.pattern), mostFiles);
  const { device, inode } = folder;
  return { kind: 'seen', device, inode, files: files.map((file) => seen(file, written)), isWhole };
}

async function mayOpen(path: string, roots: readonly string[]): Promise<SeenFolder> {
  await using folder = await openFolder(path, roots);
  return { kind: 'seen', device: folder.device, inode: folder.inode, files: [], isWhole: true };
}

function seen({ name, shownAs, stats }: ListedFile, written: ReadonlySet<string>): SeenFile {
  if (stats === null) return { name, shownAs, kind: 'not_a_regular_file', identity: null, isWrittenTo: false };
  const identity = identityOf(stats);
  return {
    name,
    shownAs,
    kind: kindOf(stats),
    identity,
    isWrittenTo: written.has(`${identity.device}:${identity.inode}`),
  };
}

function kindOf(stats: NonNullable<ListedFile['stats']>): SeenFile['kind'] {
  if (stats.isSymbolicLink()) return 'symbolic_link';
  if (!stats.isFile()) return 'not_a_regular_file';
  return stats.nlink === 1n ? 'ordinary' : 'hard_linked';
}
