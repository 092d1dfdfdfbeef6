import type { Schedule as ScheduleView } from '@slacktide/contract';
import type { Schedule } from '@slacktide/domain';

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
    tasks: schedule.tasks.map(({ key, type, config, needs }) => ({ key, type, config, needs: [...needs] })),
    halt_on_task_failure: schedule.haltOnTaskFailure,
    enabled: schedule.enabled,
    misfire_policy: schedule.misfirePolicy,
    version: schedule.version,
    next_due_at: schedule.nextDueAt?.toISOString() ?? null,
    last_tick_at: schedule.lastTickAt?.toISOString() ?? null,
    created_at: schedule.createdAt.toISOString(),
    updated_at: schedule.updatedAt.toISOString(),
  };
}
