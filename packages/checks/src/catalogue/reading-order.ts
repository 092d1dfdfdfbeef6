/** Something that is to be read now and then. */
export interface Turn {
  /** Unique among those in turn. */
  readonly key: string;
  /** Seconds since the epoch; null = never. */
  readonly lastReadAt: number | null;
  /** Bytes believed to be wasted; 0 = no suspect. */
  readonly suspicion: number;
}

/**
 * In which order to read what cannot all be read. Whoever waited longest comes first, then the worst suspect, and so on by turns: a suspect is
 * seen soon, and however many suspects there are, everything has its turn.
 */
export function readingOrder<T extends Turn>(turns: readonly T[]): readonly T[] {
  const byTurn = turns.toSorted((a, b) => waited(a, b) || worse(a, b));
  const suspects = byTurn.filter(({ suspicion }) => suspicion > 0).toSorted(worse);
  // A Set keeps the first of two.
  return [...new Set(byTurn.flatMap((turn, position) => [turn, ...suspects.slice(position, position + 1)]))];
}

function waited(a: Turn, b: Turn): number {
  return (a.lastReadAt ?? 0) - (b.lastReadAt ?? 0);
}

function worse(a: Turn, b: Turn): number {
  if (a.suspicion !== b.suspicion) return b.suspicion - a.suspicion;
  return a.key < b.key ? -1 : 1;
}
