import { type State, states } from '@slacktide/domain';
import { check, date, doublePrecision, integer, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { oneOf } from './columns.ts';

/** What is left of a day's tasks once its partitions are dropped. */
export const dailyFigures = pgTable(
  'daily_figures',
  {
    day: date().notNull(),
    /** Empty for ad-hoc jobs, which have no schedule. */
    scheduleId: text().notNull(),
    targetId: text().notNull(),
    taskType: text().notNull(),
    state: text().$type<State>().notNull(),
    taskCount: integer().notNull(),
    totalSeconds: doublePrecision().notNull(),
    maxSeconds: doublePrecision().notNull(),
  },
  (table) => [
    primaryKey({
      name: 'daily_figures_pkey',
      columns: [table.day, table.scheduleId, table.targetId, table.taskType, table.state],
    }),
    check('daily_figures_state', oneOf('state', states)),
  ],
);
