import { firingsWithin } from '@slacktide/domain';
import type { Invariant } from './evidence.ts';

/** A tick this young may still be on its way. */
const graceMs = 5_000;
/** More firings than any case lets come due. */
const manyFirings = 100_000;

/**
 * I6: a tick has one job for each target, ran or SKIPPED with a reason; and no tick that came due is without. Schedules
 * that were changed, enabled or disabled since they were made are looked at from their last change on.
 */
export const everyTickHasOneJob: Invariant = async ({ rig: { ledger } }) => {
  const twice = await ledger<{ scheduleId: string; targetId: string; scheduledFor: Date; jobs: number }[]>`
    SELECT schedule_id AS "scheduleId", target_id AS "targetId", scheduled_for AS "scheduledFor", count(*)::int AS jobs FROM jobs
    WHERE trigger = 'schedule' GROUP BY 1, 2, 3 HAVING count(*) > 1`;
  const violations = twice.map(
    ({ jobs, scheduledFor, scheduleId, targetId }) =>
      `${scheduleId} has ${jobs} jobs on ${targetId} for the tick of ${scheduledFor.toISOString()}`,
  );
  const unreasoned = await ledger<
    { id: string }[]
  >`SELECT id FROM jobs WHERE state = 'SKIPPED' AND coalesce(reason, '') = ''`;
  violations.push(...unreasoned.map(({ id }) => `job ${id} is SKIPPED without a reason`));

  const schedules = await ledger<
    { id: string; cron: string; timezone: string; since: Date; now: Date; targetIds: string[] | null }[]
  >`
    SELECT id, cron_expression AS cron, timezone, updated_at AS since, clock_timestamp() AS now,
      ARRAY(SELECT jsonb_array_elements_text(targets -> 'ids')) AS "targetIds"
    FROM schedules WHERE enabled AND targets ->> 'kind' = 'ids'`;
  for (const { cron, id, now, since, targetIds, timezone } of schedules) {
    const rows = await ledger<{ targetId: string; scheduledFor: Date }[]>`
      SELECT target_id AS "targetId", scheduled_for AS "scheduledFor" FROM jobs WHERE schedule_id = ${id} AND trigger = 'schedule'`;
    const written = new Set(rows.map(({ scheduledFor, targetId }) => `${targetId} ${scheduledFor.getTime()}`));
    const span = { after: since, upTo: new Date(now.getTime() - graceMs) };
    for (const due of firingsWithin(cron, timezone, span, manyFirings)) {
      for (const targetId of targetIds ?? []) {
        if (!written.has(`${targetId} ${due.getTime()}`)) {
          violations.push(`${id} has no row on ${targetId} for the tick of ${due.toISOString()}`);
        }
      }
    }
  }
  return violations;
};
