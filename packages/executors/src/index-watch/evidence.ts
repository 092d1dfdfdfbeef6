import { type BaselineStatement, fromTuple, toTuple, trackOf } from '@slacktide/acting';
import type { CounterTrack, JsonObject } from '@slacktide/domain';
import { z } from 'zod';

const counters = z.tuple([z.number(), z.number(), z.number()]);
const track = z.object({
  /** Null = the server had no row of the statement. */
  last: counters.nullable(),
  since: counters,
  since_ms: z.number().nullable(),
});
const evidence = z.object({
  looks: z.number(),
  verdict: z.enum(['worse', 'fine', 'unknown']),
  /** Looks that came to more than `unknown`. */
  known_looks: z.number(),
  reset_ms: z.number().nullable(),
  tracks: z.record(z.string(), track),
});

/** What looks keep for the next one. */
export type KeptEvidence = z.infer<typeof evidence>;
export type KeptTrack = KeptEvidence['tracks'][string];

/** What the look before kept; undefined for the first look. */
export function readEvidence(json: JsonObject | null): KeptEvidence | undefined {
  return json === null ? undefined : evidence.safeParse(json).data;
}

/** How far a statement was followed. */
export function trackBefore(statement: BaselineStatement, kept: KeptTrack | undefined): CounterTrack {
  if (kept === undefined) return trackOf(statement);
  return { last: kept.last === null ? null : fromTuple(kept.last), since: fromTuple(kept.since) };
}

export function keepTrack({ last, since }: CounterTrack, sinceMs: number | null): KeptTrack {
  return { last: last === null ? null : toTuple(last), since: toTuple(since), since_ms: sinceMs };
}
