import type { Schedule as ScheduleView } from '@slacktide/contract';
import { defaultTimeLimitSeconds, type Schedule, type TaskSpec } from '@slacktide/domain';

/** A schedule as the API shows it. */
export function scheduleView(schedule: Schedule): ScheduleView {
  const { targets, window } = schedule;
  return {
    id: schedule.id,
    name: schedule.name,
    description: schedule.description,
    cron_expression: schedule.cronExpression,
    timezone: schedule.timezone,
    window_start_hour: window?.startHour ?? null,
    window_end_hour: window?.endHour ?? null,
    target_ids: targets.kind === 'ids' ? [...targets.ids] : null,
    target_labels: targets.kind === 'labels' ? targets.labels : null,
    tasks: schedule.tasks.map(taskSpecView),
    halt_on_task_failure: schedule.haltOnTaskFailure,
    enabled: schedule.enabled,
    misfire_policy: schedule.misfirePolicy,
    misfire_max: schedule.misfireMax,
    catch_up_seconds: schedule.catchUpSeconds,
    overlap_policy: schedule.overlapPolicy,
    version: schedule.version,
    next_due_at: schedule.nextDueAt?.toISOString() ?? null,
    last_tick_at: schedule.lastTickAt?.toISOString() ?? null,
    created_at: schedule.createdAt.toISOString(),
    updated_at: schedule.updatedAt.toISOString(),
  };
}

function taskSpecView({ key, type, config, needs, timeLimitSeconds }: TaskSpec): ScheduleView['tasks'][number] {
  // Schedules written before there was a limit do not say one.
  return { key, type, config, needs: [...needs], time_limit_seconds: timeLimitSeconds ?? defaultTimeLimitSeconds };
}
