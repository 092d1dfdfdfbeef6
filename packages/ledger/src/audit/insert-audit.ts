import type { AuditEntry } from '@slacktide/application/ports';
import type { Fragment } from 'postgres';
import { jsonb, type LedgerSql } from '../sql.ts';

/** Who did it, and in which trace. */
export interface AuditAuthor {
  /** `<kind>:<id>`, e.g. `api_key:k1` or `system:dispatcher`. */
  readonly actor: string;
  readonly traceId: string | null;
}

/**
 * An INSERT of audit entries, to be a statement or part of a WITH clause, there with a condition on the clause's other parts.
 * They get the time at which they are written, so that the order of times is the order of events even after a wait for a lock.
 */
export function insertAudit(
  sql: LedgerSql,
  { actor, traceId }: AuditAuthor,
  entries: readonly AuditEntry[],
  condition: Fragment = sql`true`,
): Fragment {
  const rows = entries.map(({ action, entity, entityId, reason, before, after, traceId: own }) => ({
    action,
    entity,
    entityId,
    reason: reason ?? null,
    before: before ?? null,
    after: after ?? null,
    traceId: own ?? traceId,
  }));
  return sql`
    INSERT INTO audit_events (at, actor, trace_id, action, entity, entity_id, reason, before, after)
    SELECT clock_timestamp(), ${actor}, "traceId", action, entity, "entityId", reason, before, after
    FROM jsonb_to_recordset(${jsonb(sql, rows)})
      AS entry ("traceId" text, action text, entity text, "entityId" text, reason text, before jsonb, after jsonb)
    WHERE ${condition}`;
}
