import type { AuditEvent as AuditEventView, AuditHeads } from '@slacktide/contract';
import type { AuditEvent, AuditHead } from '../ports/index.ts';

/** A line of the audit log as the API shows it. */
export function auditEventView(event: AuditEvent): AuditEventView {
  return {
    id: event.id,
    at: event.at.toISOString(),
    actor: event.actor,
    action: event.action,
    entity: event.entity,
    entity_id: event.entityId,
    reason: event.reason,
    trace_id: event.traceId,
    before: event.before,
    after: event.after,
  };
}

/** The end of a stream's chain as the API shows it. */
export function auditHeadView({ stream, seq, hash, sealedAt }: AuditHead): AuditHeads['heads'][number] {
  return { stream, seq, hash, sealed_at: sealedAt?.toISOString() ?? null };
}
