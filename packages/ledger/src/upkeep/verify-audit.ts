import { verifyAudit as verify } from '@slacktide/application';
import type { AuditChain, AuditLook, ClaimedTask, Upkeep } from '@slacktide/application/ports';
import { createAuditChain } from '../audit/create-audit-chain.ts';
import { writeAudit } from '../audit/write-audit.ts';
import { createSignalWriter } from '../signals/signal-writer.ts';
import type { LedgerPool } from '../sql.ts';
import { holdTask } from '../task-executions/held-task.ts';

const module = 'audit_chain';
/** Longer than the longest usual pause between two looks, a week: a look that nobody takes any more says nothing. */
const lifeSeconds = 8 * 86_400;

/** Holds the audit log against its seals and `heads`, and tells so; undefined = the right to tell is gone. */
export async function verifyAudit(
  pool: LedgerPool,
  claimed: ClaimedTask,
  ...[heads, { signal, onLinks }]: Parameters<Upkeep['verifyAudit']>
): Promise<AuditLook | undefined> {
  const auditChain = watched(createAuditChain(pool), signal, onLinks);
  const exported = {
    issued_at: claimed.job.scheduledFor.toISOString(),
    heads: heads.map(({ stream, seq, hash }) => ({ stream, seq, hash, sealed_at: null })),
    unsealed: 0,
    public_key: null,
    signature: null,
  };
  const verdict = await verify(
    { auditChain, auditPublicKey: undefined },
    heads.length === 0 ? {} : { heads: exported },
  );
  const look: AuditLook = {
    intact: verdict.intact,
    unsealed: verdict.unsealed,
    streams: verdict.streams.map(({ stream, seq, hash, first_bad: bad }) => ({
      stream,
      seq,
      hash,
      firstBad: bad && { kind: bad.kind, seq: bad.seq, eventId: bad.event_id },
    })),
  };
  return (await tell(pool, claimed, look)) ? look : undefined;
}

/** The same chain, read only while nobody wants it to end. */
function watched(chain: AuditChain, signal: AbortSignal, onLinks?: (count: number) => void): AuditChain {
  return {
    ...chain,
    async listSealed(...page) {
      signal.throwIfAborted();
      const links = await chain.listSealed(...page);
      onLinks?.(links.length);
      return links;
    },
    async listLeftOut(...page) {
      signal.throwIfAborted();
      return await chain.listLeftOut(...page);
    },
  };
}

/** Writes the signal; a change of its status is audited, a repetition is not. */
async function tell(pool: LedgerPool, claimed: ClaimedTask, look: AuditLook): Promise<boolean> {
  return await pool.begin(async (tx) => {
    if ((await holdTask(tx, claimed)) === undefined) return false;
    const signals = createSignalWriter(tx);
    const before = await signals.getForUpdate(module);
    const status = look.intact ? ('HEALTHY' as const) : ('UNHEALTHY' as const);
    const message = messageOf(look);
    await signals.put({ module, status, message, lifeSeconds });
    if (before?.status === status) return true;
    await writeAudit(tx, { actor: `worker:${claimed.workerId}`, traceId: claimed.job.traceId }, [
      {
        action: 'signal.change',
        entity: 'signal',
        entityId: module,
        before: before === undefined ? null : { status: before.status, message: before.message },
        after: { status, message },
      },
    ]);
    return true;
  });
}

function messageOf({ streams }: AuditLook): string {
  const bad = streams.flatMap(({ stream, firstBad }) =>
    firstBad === null ? [] : [`${stream}: ${firstBad.kind}${firstBad.seq === null ? '' : ` at link ${firstBad.seq}`}`],
  );
  const links = streams.reduce((sum, { seq }) => sum + seq, 0);
  return bad.length === 0 ? `${links} sealed events are as they were` : `the audit log is broken; ${bad.join('; ')}`;
}
