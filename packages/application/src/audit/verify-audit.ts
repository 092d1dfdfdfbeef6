import type { AuditHeads, AuditVerdict } from '@slacktide/contract';
import { type AuditChain, type AuditStream, auditStreams } from '../ports/index.ts';
import { type HeadsSignature, headsSignature } from './audit-heads.ts';
import { type CheckedChain, checkChain } from './check-chain.ts';
import { streamOf } from './stream-of.ts';

export interface VerifyAuditDeps {
  readonly auditChain: Pick<AuditChain, 'readHeads' | 'backlog' | 'listSealed' | 'listLeftOut'>;
  /** Of the key that heads are signed with, as `AuditSigner.publicKey`; undefined when none is known. */
  readonly auditPublicKey: string | undefined;
}

/** Left-out events in memory at once. */
const batchSize = 1_000;
/** Before any id that can be written, also by who writes ids of his own. */
const beforeAllIds = String(-(2n ** 63n));

/**
 * Holds the audit log against its seals, and against heads exported earlier where they are given: finds an event or a seal that
 * was edited, deleted, reordered or put in, and with the heads a tail that was cut off or a chain written anew. Reads everything,
 * in constant memory.
 */
export async function verifyAudit(
  { auditChain, auditPublicKey }: VerifyAuditDeps,
  input: { readonly heads?: AuditHeads | undefined },
): Promise<AuditVerdict> {
  const signature = input.heads && headsSignature(input.heads, auditPublicKey);
  // What is signed wrongly says nothing about the log.
  const heads = signature === 'invalid' ? [] : (input.heads?.heads ?? []);
  const chains = new Map<AuditStream, CheckedChain>();
  for (const { stream, seq } of await auditChain.readHeads()) {
    const head = heads.find((each) => each.stream === stream);
    chains.set(stream, await checkChain(auditChain, stream, { untilSeq: seq, head }));
  }
  await findLeftOut(auditChain, chains);
  const trusted = signature === undefined || isTrusted(signature, auditPublicKey);
  return {
    intact: trusted && [...chains.values()].every(({ firstBreak }) => firstBreak === null),
    streams: auditStreams.map((stream) => chainView(stream, chains.get(stream))),
    unsealed: (await auditChain.backlog()).unsealed,
    heads: signature === undefined ? null : { signature, trusted },
  };
}

/** With a key of ours nothing but its signature counts; without one, heads are as good as the place they were kept in. */
function isTrusted(signature: HeadsSignature, publicKey: string | undefined): boolean {
  return signature === 'valid' || (publicKey === undefined && signature !== 'invalid');
}

/** Events without a seal where none can be any more: behind the end of a chain that is otherwise sound, their seals were cut off; amid it they were put in. */
async function findLeftOut(
  auditChain: Pick<AuditChain, 'listLeftOut'>,
  chains: Map<AuditStream, CheckedChain>,
): Promise<void> {
  for (let afterId = beforeAllIds; ; ) {
    const events = await auditChain.listLeftOut(afterId, batchSize);
    for (const event of events) {
      const stream = streamOf(event);
      const chain = chains.get(stream);
      if (chain === undefined || chain.firstBreak !== null) continue;
      const isBehind = Number(event.id) > chain.lastEventId;
      const firstBreak = {
        kind: isBehind ? ('cut' as const) : ('inserted' as const),
        seq: isBehind ? chain.seq + 1 : null,
        eventId: event.id,
      };
      chains.set(stream, { ...chain, firstBreak });
    }
    const last = events.at(-1);
    if (events.length < batchSize || last === undefined) return;
    afterId = last.id;
  }
}

function chainView(stream: AuditStream, chain: CheckedChain | undefined): AuditVerdict['streams'][number] {
  const { seq = 0, hash = '', firstBreak = null } = chain ?? {};
  return {
    stream,
    seq,
    hash,
    first_bad: firstBreak && { kind: firstBreak.kind, seq: firstBreak.seq, event_id: firstBreak.eventId },
  };
}
