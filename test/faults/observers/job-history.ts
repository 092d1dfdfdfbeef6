import type { Rig } from '../harness/rig.ts';

/** Everything the ledger holds of these jobs, as text that is the same as long as nobody writes. */
export async function historyOf({ ledger }: Rig, jobIds: readonly string[]): Promise<string> {
  const ids = [...jobIds];
  const rows = await ledger`
    WITH picked AS (SELECT id FROM tasks WHERE job_id = ANY(${ids}::uuid[]))
    SELECT 'job' AS what, to_jsonb(jobs) AS row FROM jobs WHERE id = ANY(${ids}::uuid[])
    UNION ALL SELECT 'task', to_jsonb(tasks) FROM tasks WHERE job_id = ANY(${ids}::uuid[])
    UNION ALL SELECT 'step', to_jsonb(steps) FROM steps WHERE task_id IN (SELECT id FROM picked)
    UNION ALL SELECT 'lease', to_jsonb(leases) FROM leases WHERE task_id IN (SELECT id FROM picked)
    UNION ALL SELECT 'audit', to_jsonb(audit_events) FROM audit_events
      WHERE entity_id = ANY(${ids}) OR entity_id IN (SELECT id::text FROM picked)
    ORDER BY 1, 2`;
  return rows.map(({ what, row }) => `${what} ${JSON.stringify(row)}`).join('\n');
}
