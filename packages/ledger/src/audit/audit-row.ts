import type { AuditEvent } from '@slacktide/application/ports';
import type { auditEvents } from '../schema/audit-events.ts';

export type AuditRow = typeof auditEvents.$inferSelect;

/** An event as the application has it, and no column more: what is sealed must not depend on what a later release adds. */
export function toAuditEvent(row: AuditRow): AuditEvent {
  const { id, at, actor, action, entity, entityId, reason, traceId, before, after } = row;
  return { id: String(id), at, actor, action, entity, entityId, reason, traceId, before, after };
}
