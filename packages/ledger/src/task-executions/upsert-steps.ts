import type { StepRecord } from '@slacktide/application/ports';
import type { Fragment } from 'postgres';
import { jsonb, type LedgerSql } from '../sql.ts';

/**
 * An INSERT for a WITH clause: upserts steps by key for the task that the clause's `held (scheduled_for, id)` returns, for none when
 * it is empty. Steps that are as written already cost no write; the others' keys are returned.
 */
export function upsertSteps(sql: LedgerSql, steps: readonly StepRecord[]): Fragment {
  return sql`
    INSERT INTO steps (scheduled_for, task_id, key, position, state, reason, object, statement, phase, percent, eta_seconds,
      result, error, started_at, finished_at)
    SELECT held.scheduled_for, held.id, key, position, state, reason, object, statement, phase, percent, "etaSeconds",
      result, error, "startedAt", "finishedAt"
    FROM held, jsonb_to_recordset(${jsonb(sql, steps)}) AS step (key text, position integer, state text, reason text, object text,
      statement text, phase text, percent float8, "etaSeconds" float8, result jsonb, error jsonb, "startedAt" timestamptz(3), "finishedAt" timestamptz(3))
    ON CONFLICT (scheduled_for, task_id, key) DO UPDATE SET position = excluded.position, state = excluded.state,
      reason = excluded.reason, object = excluded.object, statement = excluded.statement, phase = excluded.phase,
      percent = excluded.percent, eta_seconds = excluded.eta_seconds, result = excluded.result, error = excluded.error,
      started_at = excluded.started_at, finished_at = excluded.finished_at
    WHERE (steps.position, steps.state, steps.reason, steps.object, steps.statement, steps.phase, steps.percent, steps.eta_seconds,
        steps.result, steps.error, steps.started_at, steps.finished_at)
      IS DISTINCT FROM (excluded.position, excluded.state, excluded.reason, excluded.object, excluded.statement, excluded.phase,
        excluded.percent, excluded.eta_seconds, excluded.result, excluded.error, excluded.started_at, excluded.finished_at)
    RETURNING key`;
}
