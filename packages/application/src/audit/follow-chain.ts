import type { AuditChain, AuditStretch, ChainPart, SealedEvent } from '../ports/index.ts';
import { chainLinks } from './chain-links.ts';
import { exportLine } from './export-audit.ts';
import { linkHash } from './link-hash.ts';

/**
 * The links of a stretch as the export shows them, each proven to follow from the one before, the last to be the stretch's head; ends after the first
 * that is not. In constant memory.
 */
export async function* followChain(
  chain: Pick<AuditChain, 'listSealed'>,
  { stream, afterSeq, previousHash, head }: AuditStretch,
): AsyncGenerator<ChainPart, void> {
  let end = { seq: afterSeq, hash: previousHash };
  for await (const links of chainLinks(chain, stream, { afterSeq, untilSeq: head.seq })) {
    const lines: string[] = [];
    for (const link of links) {
      const firstBad = breakOf(link, end);
      if (firstBad !== null) return yield { kind: 'broken', firstBad };
      end = { seq: link.seal.seq, hash: link.seal.hash };
      lines.push(exportLine(link));
    }
    if (end.seq === head.seq && end.hash !== head.hash) break;
    yield { kind: 'links', text: lines.join(''), count: lines.length };
  }
  if (end.seq < head.seq) yield { kind: 'broken', firstBad: { kind: 'cut', seq: end.seq + 1, eventId: null } };
  else if (end.hash !== head.hash) yield { kind: 'broken', firstBad: { kind: 'forged', seq: end.seq, eventId: null } };
}

function breakOf({ seal, event }: SealedEvent, end: { readonly seq: number; readonly hash: string }) {
  if (seal.seq !== end.seq + 1) return { kind: 'deleted', seq: end.seq + 1, eventId: null } as const;
  if (event === undefined) return { kind: 'deleted', seq: seal.seq, eventId: seal.eventId } as const;
  if (linkHash(end.hash, seal, event) !== seal.hash) {
    return { kind: 'edited', seq: seal.seq, eventId: seal.eventId } as const;
  }
  return null;
}
