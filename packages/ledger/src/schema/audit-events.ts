import type { JsonObject } from '@slacktide/domain';
import { bigint, index, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

export const auditEvents = pgTable(
  'audit_events',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    at: instant().notNull().defaultNow(),
    /** `<kind>:<id>`, e.g. `api_key:01J…` or `system:dispatcher`. */
    actor: text().notNull(),
    action: text().notNull(),
    entity: text().notNull(),
    entityId: text().notNull(),
    reason: text(),
    traceId: text(),
    before: jsonb().$type<JsonObject>(),
    after: jsonb().$type<JsonObject>(),
  },
  (table) => [
    index('audit_events_by_time').on(table.at, table.id),
    index('audit_events_by_entity').on(table.entity, table.entityId, table.at, table.id),
  ],
);
