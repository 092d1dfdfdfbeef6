/** Why a file or folder could not be worked on, in terms that are safe to show. */
export type FileErrorCode =
  | 'folder_not_allowed'
  | 'folder_missing'
  | 'symbolic_link'
  | 'unsupported_platform'
  | 'insufficient_privilege'
  | 'file_gone'
  | 'disk_full'
  | 'read_only'
  | 'links_unsupported'
  | 'not_verified'
  | 'left_aside'
  | 'io_error';

/** The file system, or our own caution, refused something: an outcome that callers expect. */
export class FileError extends Error {
  readonly code: FileErrorCode;

  constructor(code: FileErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'FileError';
    this.code = code;
  }
}

const codes: Readonly<Record<string, FileErrorCode>> = {
  EACCES: 'insufficient_privilege',
  EPERM: 'insufficient_privilege',
  ENOENT: 'file_gone',
  ELOOP: 'symbolic_link',
  ENOSPC: 'disk_full',
  EDQUOT: 'disk_full',
  EROFS: 'read_only',
  EOPNOTSUPP: 'links_unsupported',
  ENOSYS: 'links_unsupported',
};

/** What the system calls the fault, e.g. `ENOENT`; undefined for what is none of its. */
export function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && 'syscall' in error ? String(error.code) : undefined;
}

/** Runs calls of the file system on `path`; their faults come as FileError, all others as they are. */
export async function onFile<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const errno = errnoOf(error);
    if (errno === undefined) throw error;
    // The system's own message names paths below /proc.
    throw new FileError(codes[errno] ?? 'io_error', `${path}: ${wordsOf(errno)}`, { cause: error });
  }
}

function wordsOf(errno: string): string {
  switch (codes[errno]) {
    case 'insufficient_privilege':
      return `the worker may not (${errno})`;
    case 'file_gone':
      return 'it is not there';
    case 'symbolic_link':
      return 'it is a symbolic link';
    case 'disk_full':
      return `the disk is full (${errno})`;
    case 'read_only':
      return 'the file system is read-only';
    case 'links_unsupported':
      return `the file system has no hard links (${errno})`;
    default:
      return `the file system says ${errno}`;
  }
}
