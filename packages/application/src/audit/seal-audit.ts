import type { AuditChain } from '../ports/index.ts';
import { chainEvents } from './chain-events.ts';

/** Chains at most `limit` committed events of the audit log; returns how many, or undefined when another process is at it. */
export function sealAudit(
  deps: { readonly auditChain: Pick<AuditChain, 'extend'> },
  limit: number,
): Promise<number | undefined> {
  return deps.auditChain.extend(limit, chainEvents);
}
