/** A WAL segment: which line of history, and which one of it. */
export interface WalSegment {
  readonly timeline: number;
  /** Counted from the beginning of WAL, on through all timelines. */
  readonly number: number;
}

/** A segment's file names 4 GiB of WAL in its second part, and which segment of these in its third. */
const bytesPerLog = 2 ** 32;

/**
 * The segment of a WAL file's name; null for what is archived too but is none: history files, labels of backups, and the partial segment of a
 * timeline that ended.
 */
export function parseSegment(fileName: string | null, segmentBytes: number): WalSegment | null {
  const [, timeline = '', log = '', position = ''] =
    /^([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})$/.exec(fileName ?? '') ?? [];
  if (timeline === '') return null;
  return {
    timeline: Number.parseInt(timeline, 16),
    number: Number.parseInt(log, 16) * (bytesPerLog / segmentBytes) + Number.parseInt(position, 16),
  };
}

/** How many segments were finished since `archived`, when WAL has come to the byte `position`; the one being written is not. */
export function segmentsSince(archived: WalSegment, position: number, segmentBytes: number): number {
  return Math.max(0, Math.floor(position / segmentBytes) - archived.number - 1);
}
