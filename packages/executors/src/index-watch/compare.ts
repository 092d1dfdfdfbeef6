import { type BaselineStatement, type CountedStatement, fromTuple, type WatchBaseline } from '@slacktide/acting';
import {
  type ComparedStatement,
  followTrack,
  judgeWatch,
  type WatchLimits,
  type WatchVerdict,
} from '@slacktide/domain';
import { type KeptEvidence, type KeptTrack, keepTrack, trackBefore } from './evidence.ts';

/** What the server counts now. */
export interface PresentCounters {
  readonly resetMs: number | null;
  /** By query id. */
  readonly counted: ReadonlyMap<string, CountedStatement>;
}

export interface Comparison {
  readonly verdict: WatchVerdict;
  readonly tracks: Readonly<Record<string, KeptTrack>>;
}

/** Follows every statement of the baseline to now, and judges what was counted since the drop. Pure. */
export function compareCounters(
  baseline: WatchBaseline,
  kept: KeptEvidence | undefined,
  present: PresentCounters,
  limits: WatchLimits,
): Comparison {
  const tracks: Record<string, KeptTrack> = {};
  const wasReset = (kept?.reset_ms ?? baseline.reset_ms) !== present.resetMs;
  const compare = (statement: BaselineStatement): ComparedStatement => {
    const { queryid, before, since_ms } = statement;
    const earlier = kept?.tracks[queryid];
    const now = present.counted.get(queryid);
    // From 17 on a row that came back after its eviction says so itself.
    const knownSince = earlier === undefined ? since_ms : earlier.since_ms;
    const cameBack = now !== undefined && now.sinceMs !== null && knownSince !== null && now.sinceMs > knownSince;
    const track = followTrack(trackBefore(statement, earlier), now ?? null, wasReset || cameBack);
    tracks[queryid] = keepTrack(track, now?.sinceMs ?? knownSince);
    return { queryid, before: fromTuple(before), since: track.since };
  };
  const watched = baseline.statements.map(compare);
  const others = baseline.others.map(compare);
  return { verdict: judgeWatch(watched, others, limits), tracks };
}
