import type { FoundFinding } from '@slacktide/domain';
import type { Fragment } from 'postgres';
import { jsonb, type LedgerSql } from '../sql.ts';
import type { FindingChanges, RecordedRun } from './recorded-run.ts';

/** Writes all changes of a report, however many there are: a statement each for what is new, found again, and gone. */
export async function writeFindings(
  tx: LedgerSql,
  run: RecordedRun,
  { born, seenAgain, reopened, resolved }: FindingChanges,
): Promise<void> {
  const { targetId, check, taskId, at } = run;
  const config = jsonb(tx, run.config);
  if (born.length > 0) {
    await tx`
      INSERT INTO findings (id, target_id, check_name, fingerprint, severity, object, summary, evidence, action, config, first_seen_at,
        last_seen_at, occurrences, task_id)
      SELECT id, ${targetId}, ${check}, fingerprint, severity, object, summary, evidence, nullif(action, 'null'), ${config}, ${at}, ${at}, 1, ${taskId}
      FROM ${foundRows(tx, born)}`;
  }
  const again = [...seenAgain, ...reopened].map(({ known: { id }, found }) => ({ id, found }));
  if (again.length > 0) {
    await tx`
      UPDATE findings SET severity = found.severity, object = found.object, summary = found.summary, evidence = found.evidence,
        action = nullif(found.action, 'null'), config = ${config}, last_seen_at = ${at}, resolved_at = NULL, occurrences = occurrences + 1,
        task_id = ${taskId}
      FROM ${foundRows(tx, again)} WHERE findings.id = found.id`;
  }
  if (resolved.length > 0) {
    await tx`UPDATE findings SET resolved_at = ${at} WHERE id = ANY(${resolved.map(({ id }) => id)}::uuid[])`;
  }
}

/** As `found`, for FROM. */
function foundRows(tx: LedgerSql, all: readonly { readonly id: string; readonly found: FoundFinding }[]): Fragment {
  const rows = all.map(({ id, found }) => ({ ...found, id }));
  return tx`jsonb_to_recordset(${jsonb(tx, rows)}) AS found (
    id uuid, fingerprint text, severity text, object jsonb, summary text, evidence jsonb, action jsonb
  )`;
}
