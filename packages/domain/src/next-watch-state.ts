import type { WatchVerdict } from './watch-rule.ts';

/**
 * Of a watch over what something that was done has led to.
 *
 *   prepared ──▶ void          it was not done
 *      └──────▶ open ──▶ passed       its time is over, and nothing got worse
 *                 │  └──▶ ended        its time is over and nothing could be told, or there is nothing left to watch
 *                 └─────▶ worse ──▶ rolled_back
 */
export const watchStates = ['prepared', 'open', 'void', 'passed', 'worse', 'rolled_back', 'ended'] as const;
export type WatchState = (typeof watchStates)[number];

/** Of those still looked at. */
export const openWatchStates = ['prepared', 'open'] as const satisfies readonly WatchState[];

/** What a look came to. */
export interface WatchLookFacts {
  readonly state: WatchState;
  /** What became of the index that was to be dropped: still there under its OID, one like it is there again, or none of its name. */
  readonly object: 'still_there' | 'there_again' | 'gone';
  /** Undefined = the statements could not be read. */
  readonly verdict: Pick<WatchVerdict, 'verdict' | 'isDrastic'> | undefined;
  /** The look before came to `worse` as well: once may be chance, or a cold cache. */
  readonly wasWorse: boolean;
  /** Some look came to more than `unknown`. */
  readonly wasKnown: boolean;
  readonly isOver: boolean;
}

/** The state after a look. A watch that came to know nothing does not pass: it ends. */
export function nextWatchState(facts: WatchLookFacts): WatchState {
  const { state, object, verdict, wasWorse, wasKnown, isOver } = facts;
  if (state !== 'prepared' && state !== 'open') return state;
  if (object === 'still_there') return state === 'prepared' ? 'void' : 'ended';
  if (object === 'there_again') return 'ended';
  if (verdict?.verdict === 'worse' && (wasWorse || verdict.isDrastic || isOver)) return 'worse';
  if (!isOver) return 'open';
  return verdict?.verdict === 'fine' || wasKnown ? 'passed' : 'ended';
}
