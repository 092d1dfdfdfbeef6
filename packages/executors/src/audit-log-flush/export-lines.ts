import type { AuditBreak, AuditStretch, Upkeep } from '@slacktide/application/ports';

/** What the first line says it is. */
export const exportFormat = 'slacktide-audit-export/1';

/** A link that does not follow from those before it: what is broken is not exported. */
export class BrokenChain extends Error {
  readonly firstBad: AuditBreak;

  constructor(firstBad: AuditBreak) {
    super(`the chain is broken: ${firstBad.kind}${firstBad.seq === null ? '' : ` at link ${firstBad.seq}`}`);
    this.name = 'BrokenChain';
    this.firstBad = firstBad;
  }
}

/**
 * The file's content: a line that says which stretch it is and between which hashes, then a line a link. Nothing in it depends on when it is written, so
 * an export that is repeated makes the same file.
 * @throws BrokenChain
 */
export async function* exportLines(
  { readChain }: Pick<Upkeep, 'readChain'>,
  stretch: AuditStretch,
  onLinks: (count: number) => void,
): AsyncGenerator<Uint8Array, void> {
  const { stream, afterSeq, previousHash, head } = stretch;
  const header = { format: exportFormat, stream, after_seq: afterSeq, previous_hash: previousHash, head: { ...head } };
  yield Buffer.from(`${JSON.stringify(header)}\n`);
  for await (const part of readChain(stretch)) {
    if (part.kind === 'broken') throw new BrokenChain(part.firstBad);
    onLinks(part.count);
    yield Buffer.from(part.text);
  }
}
