import type { Effect, EffectAction } from '@slacktide/application/ports';
import { effectActions } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, doublePrecision, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';

/** What act work did to objects; outlives the job's history. */
export const effects = pgTable(
  'effects',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    targetId: text().notNull(),
    jobId: uuid().notNull(),
    taskType: text().notNull(),
    at: instant().notNull().defaultNow(),
    action: text().$type<EffectAction>().notNull(),
    object: text().notNull(),
    objectKind: text().$type<Effect['objectKind']>().notNull(),
    durationMs: doublePrecision().notNull(),
    sizeBeforeBytes: doublePrecision(),
    sizeAfterBytes: doublePrecision(),
    wasteBeforePercent: doublePrecision(),
    wasteAfterPercent: doublePrecision(),
    detail: jsonb().$type<JsonObject>().notNull(),
  },
  (table) => [
    // Serves one object's history as well as one kind of work on the target.
    index('effects_by_action').on(table.targetId, table.action, table.id),
    index('effects_by_object').on(table.targetId, table.object, table.id),
    index('effects_by_age').on(table.at),
    check('effects_action', oneOf('action', effectActions)),
    check('effects_object_kind', oneOf('object_kind', ['index', 'table', 'database', 'file'])),
    check('effects_duration', sql`duration_ms >= 0`),
  ],
);
