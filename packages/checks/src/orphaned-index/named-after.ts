/** Something named after others: `orders_2024_pkey` after tables `orders_2024` and `orders`. */
export interface NamedAfter<Candidate, Whole> {
  readonly candidate: Candidate;
  /** Longest name first. */
  readonly wholes: readonly Whole[];
}

/** Candidates whose name starts with that of a whole and an underscore. One look per underscore, however many wholes there are. */
export function namedAfter<Candidate extends { name: string }, Whole extends { name: string }>(
  candidates: readonly Candidate[],
  wholes: readonly Whole[],
): NamedAfter<Candidate, Whole>[] {
  const byName = Map.groupBy(wholes, ({ name }) => name);
  return candidates.flatMap((candidate) => {
    const found: Whole[] = [];
    let end = candidate.name.lastIndexOf('_');
    while (end > 0) {
      found.push(...(byName.get(candidate.name.slice(0, end)) ?? []));
      end = candidate.name.lastIndexOf('_', end - 1);
    }
    return found.length === 0 ? [] : [{ candidate, wholes: found }];
  });
}
