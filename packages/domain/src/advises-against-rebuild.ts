import type { EffectAdvice } from './advise-from-effects.ts';

/** An index as it is when its rebuild is considered. */
export interface RebuildCandidate {
  /** As it is set now, whether or not a rebuild has made use of it. */
  readonly fillfactor: number;
  /** Measured; null = it was not. */
  readonly wastePercent: number | null;
}

/**
 * Whether what the history of an index advises speaks against rebuilding it now.
 *
 *   stop_rebuilding → always
 *   set_fillfactor  → until that was done: the next rebuild is what makes the new fillfactor hold
 *   raise_threshold → while its waste is below the threshold that is advised
 *   others          → never: they are about other work
 */
export function advisesAgainstRebuild(advice: EffectAdvice, index: RebuildCandidate): boolean {
  switch (advice.code) {
    case 'stop_rebuilding':
      return true;
    case 'set_fillfactor':
      return advice.fillfactor !== null && index.fillfactor > advice.fillfactor;
    case 'raise_threshold':
      // Only rebuilds: a table that was rewritten in vain has other work to leave.
      return (
        advice.action === 'reindex' &&
        advice.thresholdPercent !== null &&
        index.wastePercent !== null &&
        index.wastePercent < advice.thresholdPercent
      );
    case 'tune_autovacuum':
      return false;
  }
}
