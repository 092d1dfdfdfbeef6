/** Why a figure is not known, and the GRANT that would cure it; null where none does. */
export interface LoadGap {
  readonly reason: string;
  readonly grant: string | null;
}

/** One figure of a target's load. */
export interface LoadFigure {
  /** Null = nothing was seen. With a `gap`: it is at least so much. */
  readonly value: number | null;
  readonly gap?: LoadGap;
}

/** What a look at a target's load read; a figure that was not asked for is left out. */
export interface LoadFigures {
  /** Of the standby that is furthest behind in replaying, as the server measures it. */
  readonly replicaLagSeconds?: LoadFigure;
  readonly replicaLagBytes?: LoadFigure;
  /** End of the write-ahead log, in bytes since the cluster was made. */
  readonly walBytes?: LoadFigure;
  /** Segments that wait to be archived. */
  readonly archiveBacklog?: LoadFigure;
  /** All databases and the write-ahead log. */
  readonly usedDiskBytes?: LoadFigure;
  /** Of all databases of the server, ours left out. */
  readonly activeSessions?: LoadFigure;
  /** Since the server's counters began. */
  readonly requestedCheckpoints?: LoadFigure;
  /** Sessions that wait for a lock of the session that acts. */
  readonly waitingSessions?: LoadFigure;
}

/** The same, with its moment by a monotonic clock. */
export interface LoadReading extends LoadFigures {
  readonly atMs: number;
}
