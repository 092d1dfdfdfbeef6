import type { ClaimedTask, StepRecord } from '@slacktide/application/ports';
import type { Fragment } from 'postgres';
import { insertAudit } from '../audit/insert-audit.ts';
import type { LedgerSql } from '../sql.ts';

/**
 * Further parts of a WITH clause, after its `written` of `upsertSteps`: what these steps did on the target goes into the audit log with the change of
 * the step itself. A step that was written already adds nothing: no entry is written twice.
 */
export function auditSteps(sql: LedgerSql, claimed: ClaimedTask, steps: readonly StepRecord[]): Fragment {
  const author = { actor: `worker:${claimed.workerId}`, traceId: claimed.job.traceId };
  return steps
    .filter(({ audit }) => audit !== undefined && audit.length > 0)
    .reduce((parts, { key, audit = [] }, position) => {
      const entries = audit.map(({ action, after }) => ({
        action,
        entity: 'target' as const,
        entityId: claimed.target.id,
        after: { ...after, job_id: claimed.job.id, task_id: claimed.task.id },
      }));
      const changed = sql`EXISTS (SELECT FROM written WHERE written.key = ${key})`;
      return sql`${parts}, ${sql(`step_audited_${position}`)} AS (${insertAudit(sql, author, entries, changed)})`;
    }, sql``);
}
