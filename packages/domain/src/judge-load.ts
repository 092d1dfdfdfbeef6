import { checkpointRate, walRate } from './load-rates.ts';
import type { LoadFigure, LoadGap, LoadReading } from './load-reading.ts';
import { replicaLagSeconds } from './replica-lag.ts';
import type { ThrottleLimits } from './throttle-limits.ts';

/** What a target's load is judged by. */
export type LoadLimit = Exclude<keyof ThrottleLimits, 'capacity_mb' | 'max_pause_seconds'>;

/** A limit that the load is beyond. */
export interface LoadExcess {
  readonly limit: LoadLimit;
  /** In the unit of the limit. */
  readonly figure: number;
  readonly allowed: number;
  /** Both, for a person. */
  readonly words: string;
}

/** A limit that could not be judged: neither kept nor exceeded. */
export interface LoadUnknown extends LoadGap {
  readonly limit: LoadLimit;
}

export interface LoadJudgement {
  readonly exceeded: readonly LoadExcess[];
  readonly unknown: readonly LoadUnknown[];
}

interface Rule {
  readonly limit: LoadLimit;
  /** In the unit of the limit; undefined = it was not read. */
  readonly figure: (
    reading: LoadReading,
    earlier: readonly LoadReading[],
    limits: ThrottleLimits,
  ) => LoadFigure | undefined;
  readonly isFloor?: boolean;
  readonly words: (figure: number, allowed: number) => string;
}

const mebibyte = 1_048_576;

const rules: readonly Rule[] = [
  {
    limit: 'max_replica_lag_seconds',
    figure: replicaLagSeconds,
    words: (figure, allowed) => `a standby is ${round(figure)} s behind in replaying (at most ${allowed} s)`,
  },
  {
    limit: 'max_replica_lag_mb',
    figure: ({ replicaLagBytes }) => inMebibytes(replicaLagBytes),
    words: (figure, allowed) => `a standby has ${round(figure)} MiB to replay (at most ${allowed} MiB)`,
  },
  {
    limit: 'max_wal_mb_per_second',
    figure: walRate,
    words: (figure, allowed) => `${round(figure)} MiB of write-ahead log are written a second (at most ${allowed} MiB)`,
  },
  {
    limit: 'max_archive_backlog',
    figure: ({ archiveBacklog }) => archiveBacklog,
    words: (figure, allowed) => `${count(figure, 'segment')} to be archived (at most ${allowed})`,
  },
  {
    limit: 'min_free_disk_mb',
    figure: freeMebibytes,
    isFloor: true,
    words: (figure, allowed) => `${round(figure)} MiB of the disk are free (at least ${allowed} MiB)`,
  },
  {
    limit: 'max_active_sessions',
    figure: ({ activeSessions }) => activeSessions,
    words: (figure, allowed) => `${count(figure, 'session')} at work (at most ${allowed})`,
  },
  {
    limit: 'max_requested_checkpoints',
    figure: checkpointRate,
    words: (figure, allowed) => `${round(figure)} checkpoints a minute are requested (at most ${allowed})`,
  },
  {
    limit: 'max_waiting_sessions',
    figure: ({ waitingSessions }) => waitingSessions,
    words: (figure, allowed) => `${count(figure, 'session')} made to wait for a lock of ours (at most ${allowed})`,
  },
];

/**
 * Which limits a target's load is beyond. `earlier` are older readings of the same run, in any order: rates are taken from two. A figure of which only a
 * part was seen can prove that a limit is exceeded, never that it is kept.
 */
export function judgeLoad(
  reading: LoadReading,
  earlier: readonly LoadReading[],
  limits: ThrottleLimits,
): LoadJudgement {
  const exceeded: LoadExcess[] = [];
  const unknown: LoadUnknown[] = [];
  for (const { limit, figure: measure, isFloor = false, words } of rules) {
    const allowed = limits[limit];
    if (allowed === null) continue;
    const { value, gap } = measure(reading, earlier, limits) ?? notRead;
    if (value !== null && (isFloor ? value < allowed : value > allowed)) {
      exceeded.push({ limit, figure: value, allowed, words: words(value, allowed) });
    } else if (gap !== undefined || value === null) {
      unknown.push({ limit, ...(gap ?? notRead.gap) });
    }
  }
  return { exceeded, unknown };
}

const notRead = { value: null, gap: { reason: 'it was not read', grant: null } };

function inMebibytes(figure: LoadFigure | undefined): LoadFigure | undefined {
  return figure && { ...figure, value: figure.value === null ? null : figure.value / mebibyte };
}

/** Where more is used than was seen, less is free than this. */
function freeMebibytes(
  { usedDiskBytes }: LoadReading,
  _: readonly LoadReading[],
  { capacity_mb: capacity }: ThrottleLimits,
): LoadFigure | undefined {
  if (capacity === null) {
    return { value: null, gap: { reason: 'capacity_mb is not set, and SQL cannot know it', grant: null } };
  }
  if (usedDiskBytes === undefined) return undefined;
  const { value, ...gap } = usedDiskBytes;
  return { value: value === null ? null : capacity - value / mebibyte, ...gap };
}

function round(figure: number): number {
  return figure >= 10 ? Math.round(figure) : Math.round(figure * 10) / 10;
}

function count(figure: number, thing: string): string {
  return `${figure} ${thing}${figure === 1 ? ' is' : 's are'}`;
}
