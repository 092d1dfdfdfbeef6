import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/** A log that one process after the other writes to. */
export interface LogFile {
  /** For the child's stdout and stderr. A file, not a pipe: its writer may outlive a launcher that is killed. */
  fd: number;
  /** Closes our side; the child has its own. */
  close(): void;
  /** The last 20 lines written since it was opened, for an error message. */
  tail(): string;
}

/** Opens a log for appending; only its owner may read it. */
export function openLog(path: string): LogFile {
  const fd = openSync(path, 'a', 0o600);
  const startsAt = fstatSync(fd).size;
  return {
    fd,
    close: () => closeSync(fd),
    tail: () => readFileSync(path).subarray(startsAt).toString('utf8').trimEnd().split('\n').slice(-20).join('\n'),
  };
}
