import type { AuditExportQuery } from '@slacktide/contract';
import { type AuditChain, auditStreams, type SealedEvent } from '../ports/index.ts';
import { chainLinks } from './chain-links.ts';
import { linkContent } from './link-hash.ts';

/**
 * The sealed events, stream after stream, as NDJSON: a line is a link's content as its hash covers it, and the `hash`. Ends at
 * what was sealed when it began. Chunks of many lines each, read as they are asked for.
 */
export async function* exportAudit(
  { auditChain }: { readonly auditChain: Pick<AuditChain, 'readHeads' | 'listSealed'> },
  { stream: only, after_seq: afterSeq }: AuditExportQuery,
): AsyncGenerator<string, void> {
  const heads = await auditChain.readHeads();
  for (const stream of only === undefined ? auditStreams : [only]) {
    const untilSeq = heads.find((head) => head.stream === stream)?.seq ?? 0;
    for await (const links of chainLinks(auditChain, stream, { afterSeq, untilSeq }))
      yield links.map(exportLine).join('');
  }
}

/** One link as a line of the export. Of an event that is gone: null in its place. */
export function exportLine({ seal, event }: SealedEvent): string {
  const { stream, seq, sealedAt, hash } = seal;
  const content = event === undefined ? { stream, seq, sealed_at: sealedAt, event: null } : linkContent(seal, event);
  return `${JSON.stringify({ ...content, hash })}\n`;
}
