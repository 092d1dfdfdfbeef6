import { type CareOrigin, careOrigins, type JsonObject } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { check, integer, jsonb, pgTable, primaryKey, text } from 'drizzle-orm/pg-core';
import { bothOrNeither, instant, oneOf } from './columns.ts';

/** What somebody said about care, a layer a row. */
export const careSettings = pgTable(
  'care_settings',
  {
    origin: text().$type<CareOrigin>().notNull(),
    /** Empty but for the layer of a target. */
    targetId: text().notNull(),
    settings: jsonb().$type<JsonObject>().notNull(),
    version: integer().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    primaryKey({ name: 'care_settings_pkey', columns: [table.origin, table.targetId] }),
    check('care_settings_origin', oneOf('origin', careOrigins)),
    check('care_settings_target', bothOrNeither(sql`origin = 'target'`, sql`target_id <> ''`)),
    check('care_settings_object', sql`jsonb_typeof(settings) = 'object'`),
    check('care_settings_version', sql`version >= 1`),
  ],
);
