import type { AuditChain, AuditStream, SealedEvent } from '../ports/index.ts';

/** Links in memory at once. */
const batchSize = 1_000;

/** A stream's links after `afterSeq` up to `untilSeq`, in order, a batch at a time: in constant memory, and with an end while more is sealed. */
export async function* chainLinks(
  chain: Pick<AuditChain, 'listSealed'>,
  stream: AuditStream,
  { afterSeq, untilSeq }: { readonly afterSeq: number; readonly untilSeq: number },
): AsyncGenerator<readonly SealedEvent[], void> {
  let last = afterSeq;
  while (last < untilSeq) {
    const links = await chain.listSealed(stream, last, batchSize);
    const end = links.at(-1);
    if (end === undefined) return;
    yield links.filter(({ seal }) => seal.seq <= untilSeq);
    last = end.seal.seq;
  }
}
