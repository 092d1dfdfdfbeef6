import {
  defaultCatchUpSeconds,
  defaultMisfireMax,
  type MisfirePolicy,
  misfirePolicies,
  type OverlapPolicy,
  overlapPolicies,
  type TargetSelection,
  type TaskSpec,
} from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { boolean, check, index, integer, jsonb, pgTable, smallint, text } from 'drizzle-orm/pg-core';
import { callersId, instant, oneOf, windowHours } from './columns.ts';

/** When, where and what; `next_due_at` is the tick that is still to be written. */
export const schedules = pgTable(
  'schedules',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    description: text(),
    cronExpression: text().notNull(),
    timezone: text().notNull(),
    windowStartHour: smallint(),
    windowEndHour: smallint(),
    targets: jsonb().$type<TargetSelection>().notNull(),
    tasks: jsonb().$type<readonly TaskSpec[]>().notNull(),
    haltOnTaskFailure: boolean().notNull(),
    enabled: boolean().notNull(),
    misfirePolicy: text().$type<MisfirePolicy>().notNull(),
    // Defaults: rows of the release before are written without them.
    misfireMax: integer().notNull().default(defaultMisfireMax),
    catchUpSeconds: integer().notNull().default(defaultCatchUpSeconds),
    overlapPolicy: text().$type<OverlapPolicy>().notNull().default('skip'),
    version: integer().notNull(),
    nextDueAt: instant(),
    lastTickAt: instant(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    // Which schedules name a target by id.
    index('schedules_targets').using('gin', table.targets.op('jsonb_path_ops')),
    index('schedules_due').on(table.nextDueAt).where(sql`enabled`),
    index('schedules_by_creation').on(table.createdAt, table.id),
    check('schedules_id', callersId),
    check('schedules_window', windowHours),
    check('schedules_misfire_policy', oneOf('misfire_policy', misfirePolicies)),
    check('schedules_misfire_max', sql`misfire_max BETWEEN 1 AND 100`),
    check('schedules_catch_up', sql`catch_up_seconds >= 0`),
    check('schedules_overlap_policy', oneOf('overlap_policy', overlapPolicies)),
    check('schedules_version', sql`version >= 1`),
    check('schedules_disabled_is_not_due', sql`enabled OR next_due_at IS NULL`),
    check('schedules_tasks_array', sql`jsonb_typeof(tasks) = 'array'`),
  ],
);
