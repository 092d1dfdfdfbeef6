import type { AuditBreakKind } from '@slacktide/contract';
import type { AuditChain, AuditStream, SealedEvent } from '../ports/index.ts';
import { chainLinks } from './chain-links.ts';
import { isReordered } from './is-reordered.ts';
import { linkHash, noHash } from './link-hash.ts';

/** The first place where a chain is not what was sealed. */
export interface ChainBreak {
  readonly kind: AuditBreakKind;
  /** Null for an event that has no place in the chain. */
  readonly seq: number | null;
  readonly eventId: string | null;
}

export interface CheckedChain {
  /** How many links are as they were sealed. */
  readonly seq: number;
  readonly hash: string;
  /** Highest event id among them; 0 for none. */
  readonly lastEventId: number;
  readonly firstBreak: ChainBreak | null;
}

type End = Omit<CheckedChain, 'firstBreak'>;

/** Walks a stream's chain up to `untilSeq`, to the first link that does not follow from those before it, or from an exported head. */
export async function checkChain(
  chain: Pick<AuditChain, 'listSealed'>,
  stream: AuditStream,
  {
    untilSeq,
    head,
  }: { readonly untilSeq: number; readonly head: { readonly seq: number; readonly hash: string } | undefined },
): Promise<CheckedChain> {
  let end: End = { seq: 0, hash: noHash, lastEventId: 0 };
  const broken = (kind: AuditBreakKind, seq: number, eventId: string | null): CheckedChain => ({
    ...end,
    firstBreak: { kind, seq, eventId },
  });
  for await (const links of chainLinks(chain, stream, { afterSeq: 0, untilSeq })) {
    for (const { seal, event } of links) {
      if (seal.seq !== end.seq + 1) return broken('deleted', end.seq + 1, null);
      if (event === undefined) return broken('deleted', seal.seq, seal.eventId);
      const hash = linkHash(end.hash, seal, event);
      const exported = head?.seq === seal.seq ? head.hash : undefined;
      if (hash !== seal.hash) {
        const kind =
          exported === hash || (await nextFollows(chain, hash, seal))
            ? 'forged'
            : (await isReordered(chain, end.hash, { seal, event }, untilSeq))
              ? 'reordered'
              : 'edited';
        return broken(kind, seal.seq, seal.eventId);
      }
      // What is in the ledger fits together, and yet it is not what was exported: all of it was written anew.
      if (exported !== undefined && exported !== hash) return broken('forged', seal.seq, seal.eventId);
      end = { seq: seal.seq, hash, lastEventId: Math.max(end.lastEventId, Number(seal.eventId)) };
    }
  }
  if (head !== undefined && head.seq > end.seq) return broken('cut', end.seq + 1, null);
  return { ...end, firstBreak: null };
}

/** The next link was made on the hash that this one should have: only this one's seal was changed. */
async function nextFollows(
  chain: Pick<AuditChain, 'listSealed'>,
  hash: string,
  { stream, seq }: SealedEvent['seal'],
): Promise<boolean> {
  const [next] = await chain.listSealed(stream, seq, 1);
  return next?.event !== undefined && linkHash(hash, next.seal, next.event) === next.seal.hash;
}
