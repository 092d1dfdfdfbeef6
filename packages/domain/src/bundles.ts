import { normaliseTasks } from './normalise-tasks.ts';
import { defaultCatchUpSeconds, defaultMisfireMax, type Schedule, type TaskSpec } from './schedule.ts';

/** What makes a schedule before it is stored. */
export type Bundle = Omit<Schedule, 'version' | 'nextDueAt' | 'lastTickAt' | 'createdAt' | 'updatedAt'>;

/**
 * Ready-made schedules for the routine care of a PostgreSQL database, disabled until somebody wants them. Times are UTC.
 * Their days, hours and windows are the maintenance procedures this project began with.
 */
export function maintenanceBundles(targetIds: readonly string[]): readonly Bundle[] {
  return [
    {
      ...disabledOn(targetIds),
      id: 'postgres-care',
      name: 'PostgreSQL care',
      description: 'Every hour: the eighteen steps of care. Reports and proposes, and changes nothing.',
      cronExpression: '0 * * * *',
      window: null,
      tasks: chain('POSTGRES_CARE'),
    },
    {
      ...disabledOn(targetIds),
      id: 'daily-maintenance',
      name: 'Daily maintenance',
      description: 'Every day at 3:00: fresh planner statistics, figures for trends, and every check.',
      cronExpression: '0 3 * * *',
      window: { startHour: 2, endHour: 4 },
      tasks: chain('STATISTICS_UPDATE', 'METRICS_COLLECTION', 'DATABASE_CHECK'),
    },
    {
      ...disabledOn(targetIds),
      id: 'weekly-maintenance',
      name: 'Weekly maintenance',
      description: 'Sundays at 2:00: dead rows removed, fresh planner statistics and figures for trends.',
      cronExpression: '0 2 * * 0',
      window: { startHour: 1, endHour: 5 },
      tasks: chain('MVCC_CLEANUP', 'STATISTICS_UPDATE', 'METRICS_COLLECTION'),
    },
    {
      ...disabledOn(targetIds),
      id: 'monthly-maintenance',
      name: 'Monthly maintenance',
      description:
        'The first Sunday of the month at 1:00: bloated indexes rebuilt, fresh planner statistics, a checkpoint and figures for trends.',
      cronExpression: '0 1 * * 0#1',
      window: { startHour: 1, endHour: 6 },
      tasks: chain('INDEX_REBUILD', 'STATISTICS_UPDATE', 'CHECKPOINT', 'METRICS_COLLECTION'),
    },
  ];
}

function disabledOn(targetIds: readonly string[]) {
  return {
    timezone: 'UTC',
    targets: { kind: 'ids', ids: targetIds },
    haltOnTaskFailure: true,
    enabled: false,
    misfirePolicy: 'run_once',
    misfireMax: defaultMisfireMax,
    catchUpSeconds: defaultCatchUpSeconds,
    overlapPolicy: 'skip',
  } as const;
}

/** Each task after the one before it, with its type's default configuration. */
function chain(...types: readonly string[]): readonly TaskSpec[] {
  const normalised = normaliseTasks(types);
  if (normalised.kind === 'problems') throw new Error(`a bundle is wrong: ${JSON.stringify(normalised.problems)}`);
  return normalised.tasks;
}
