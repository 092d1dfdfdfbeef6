/** One life of a server: which cluster it is, since when it runs, and which line of history it writes. */
export interface ServerEpoch {
  /** Of the cluster, for ever; a copy of its files has the same. */
  readonly systemIdentifier: string;
  /** As the server prints it, unrounded. */
  readonly postmasterStart: string;
  /** Rises with every promotion; null on a standby. */
  readonly timeline: string | null;
}

/**
 * What became of a server since: the `same` life, `restarted` (no session of before lives), `promoted` or back on another line of history (look at
 * everything again; the old primary may still be at work), or an `other_system` altogether.
 */
export type EpochChange = 'same' | 'restarted' | 'promoted' | 'other_system';

/** Compares a server as it was with the server as it is. A standby tells no timeline: it is not what was written to before. */
export function compareEpochs(before: ServerEpoch, now: ServerEpoch): EpochChange {
  if (before.systemIdentifier !== now.systemIdentifier) return 'other_system';
  if (before.timeline !== now.timeline) return 'promoted';
  return before.postmasterStart === now.postmasterStart ? 'same' : 'restarted';
}
