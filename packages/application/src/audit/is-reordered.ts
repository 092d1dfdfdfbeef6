import type { AuditChain, AuditEvent, SealedEvent } from '../ports/index.ts';
import { chainLinks } from './chain-links.ts';
import { type LinkPlace, linkHash } from './link-hash.ts';

/**
 * What belongs at the place of a bad link stands at a later one: the event, under its own id or with ids exchanged, or the
 * whole link. Reads the rest of the chain once.
 */
export async function isReordered(
  chain: Pick<AuditChain, 'listSealed'>,
  previous: string,
  bad: { readonly seal: SealedEvent['seal']; readonly event: AuditEvent },
  untilSeq: number,
): Promise<boolean> {
  const { stream, seq } = bad.seal;
  for await (const links of chainLinks(chain, stream, { afterSeq: seq, untilSeq })) {
    for (const { seal, event } of links) {
      if (event === undefined) continue;
      const places: LinkPlace[] = [bad.seal, seal].map(({ sealedAt }) => ({ stream, seq, sealedAt }));
      const events = [event, { ...event, id: bad.event.id }];
      const hashes = places.flatMap((place) => events.map((each) => linkHash(previous, place, each)));
      if (hashes.includes(bad.seal.hash) || hashes.includes(seal.hash)) return true;
    }
  }
  return false;
}
