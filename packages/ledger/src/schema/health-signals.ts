import { type HealthStatus, healthStatuses } from '@slacktide/application';
import { check, pgTable, text } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';

/** The latest word of each module, true until it expires. */
export const healthSignals = pgTable(
  'health_signals',
  {
    module: text().primaryKey(),
    status: text().$type<HealthStatus>().notNull(),
    message: text().notNull(),
    at: instant().notNull(),
    expiresAt: instant().notNull(),
  },
  () => [check('health_signals_status', oneOf('status', healthStatuses))],
);
