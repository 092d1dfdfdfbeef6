import type { Finding as FindingView } from '@slacktide/contract';
import type { Finding } from '../ports/index.ts';

/** A finding as the API shows it. */
export function findingView(finding: Finding): FindingView {
  const { action, mute } = finding;
  return {
    id: finding.id,
    target_id: finding.targetId,
    check: finding.check,
    severity: finding.severity,
    state: finding.state,
    object: { ...finding.object },
    summary: finding.summary,
    evidence: finding.evidence,
    action:
      action === null
        ? null
        : {
            sql: [...action.sql],
            rollback_sql: [...action.rollbackSql],
            lock_mode: action.lockMode,
            class: action.class,
          },
    mute:
      mute === null
        ? null
        : { reason: mute.reason, until: mute.until?.toISOString() ?? null, by: mute.by, at: mute.at.toISOString() },
    first_seen_at: finding.firstSeenAt.toISOString(),
    last_seen_at: finding.lastSeenAt.toISOString(),
    resolved_at: finding.resolvedAt?.toISOString() ?? null,
    occurrences: finding.occurrences,
  };
}
