import type { AuditSeal, UnsealedBatch } from '../ports/index.ts';
import { linkHash, noHash } from './link-hash.ts';
import { streamOf } from './stream-of.ts';

/** The seals of a batch: each event at the end of its stream's chain, in the batch's order. */
export function chainEvents({ heads, events, now }: UnsealedBatch): readonly AuditSeal[] {
  const ends = new Map<string, { readonly seq: number; readonly hash: string }>(
    heads.map(({ stream, seq, hash }) => [stream, { seq, hash }]),
  );
  return events.map((event) => {
    const stream = streamOf(event);
    const end = ends.get(stream) ?? { seq: 0, hash: noHash };
    const place = { stream, seq: end.seq + 1, sealedAt: now };
    const seal = { ...place, eventId: event.id, hash: linkHash(end.hash, place, event) };
    ends.set(stream, seal);
    return seal;
  });
}
