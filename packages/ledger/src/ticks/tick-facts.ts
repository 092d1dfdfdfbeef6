import type { DueSchedule, TickTarget } from '@slacktide/application/ports';
import type { Schedule } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';

interface TargetOfSchedule {
  readonly scheduleId: string;
  readonly targetId: string;
  readonly openJobId: string | null;
}

/** Reads what the due ticks of schedules are decided by, and keeps their targets from being deleted until the transaction ends. */
export async function tickFacts(sql: LedgerSql, schedules: readonly Schedule[]): Promise<readonly DueSchedule[]> {
  const rows = (await Promise.all([targetsById(sql, schedules), targetsByLabels(sql, schedules)])).flat();
  const targets = Map.groupBy(rows, ({ scheduleId }) => scheduleId);
  return schedules.map((schedule) => ({ schedule, targets: (targets.get(schedule.id) ?? []).map(toTickTarget) }));
}

async function targetsById(sql: LedgerSql, schedules: readonly Schedule[]): Promise<readonly TargetOfSchedule[]> {
  const wanted = schedules.flatMap(({ id, targets, overlapPolicy }) =>
    targets.kind === 'ids' ? targets.ids.map((targetId) => ({ id, overlapPolicy, targetId })) : [],
  );
  if (wanted.length === 0) return [];
  return await sql<TargetOfSchedule[]>`
    SELECT wanted.id AS schedule_id, targets.id AS target_id, ${openJob(sql)} AS open_job_id
    FROM jsonb_to_recordset(${jsonb(sql, wanted)}) AS wanted (id text, "overlapPolicy" text, "targetId" text)
    JOIN targets ON targets.id = wanted."targetId"
    ORDER BY targets.id FOR KEY SHARE OF targets`;
}

async function targetsByLabels(sql: LedgerSql, schedules: readonly Schedule[]): Promise<readonly TargetOfSchedule[]> {
  const wanted = schedules.flatMap(({ id, targets, overlapPolicy }) =>
    targets.kind === 'labels' ? [{ id, overlapPolicy, labels: targets.labels }] : [],
  );
  if (wanted.length === 0) return [];
  return await sql<TargetOfSchedule[]>`
    SELECT wanted.id AS schedule_id, targets.id AS target_id, ${openJob(sql)} AS open_job_id
    FROM jsonb_to_recordset(${jsonb(sql, wanted)}) AS wanted (id text, "overlapPolicy" text, labels jsonb)
    JOIN targets ON targets.labels @> wanted.labels
    ORDER BY targets.id FOR KEY SHARE OF targets`;
}

/** The latest job of the schedule on the target that is not over. By array_agg: for a LIMIT 1 the planner might walk all of history. */
function openJob(sql: LedgerSql) {
  return sql`CASE WHEN wanted."overlapPolicy" <> 'allow' THEN (
      SELECT (array_agg(jobs.id ORDER BY jobs.scheduled_for DESC, jobs.id DESC))[1] FROM jobs
      WHERE jobs.target_id = targets.id AND jobs.schedule_id = wanted.id AND jobs.finished_at IS NULL
    ) END`;
}

function toTickTarget({ targetId, openJobId }: TargetOfSchedule): TickTarget {
  return { id: targetId, openJobId };
}
