import type { FoundFinding, KnownFinding } from '@slacktide/domain';
import type { LedgerSql } from '../sql.ts';
import { type FindingRow, findingColumns } from './finding-row.ts';
import type { RecordedRun } from './recorded-run.ts';

/** The findings of the check that a report may change, locked, so that nobody mutes one meanwhile: those not resolved, and those found again. */
export async function selectKnown(
  tx: LedgerSql,
  { targetId, check }: RecordedRun,
  found: readonly FoundFinding[],
): Promise<readonly KnownFinding[]> {
  const rows = await tx<FindingRow[]>`
    SELECT ${findingColumns(tx)} FROM findings
    WHERE target_id = ${targetId} AND check_name = ${check}
      AND (resolved_at IS NULL OR fingerprint = ANY(${found.map(({ fingerprint }) => fingerprint)}))
    ORDER BY first_seen_at, id FOR NO KEY UPDATE`;
  return rows.map(({ id, fingerprint, severity, object, summary, resolvedAt, isMuted }) => ({
    id,
    fingerprint,
    severity,
    object,
    summary,
    isResolved: resolvedAt !== null,
    isMuted,
  }));
}
