import type { Observations } from '@slacktide/application/ports';
import { withLedgerErrors } from '../ledger-errors.ts';
import type { LedgerPool } from '../sql.ts';
import { pruneObservations } from './prune-observations.ts';
import { recordObservation } from './record-observation.ts';
import { createTargetMemory } from './target-memory.ts';

/** Samples of targets over time, and what is remembered of one. */
export function createObservations(pool: LedgerPool): Observations {
  return {
    ...withLedgerErrors({
      record: (...looked: Parameters<Observations['record']>) => recordObservation(pool, ...looked),
      prune: () => pruneObservations(pool),
    }),
    memoryOf: (targetId) => withLedgerErrors(createTargetMemory(pool, targetId)),
  };
}
