import {
  type CheckName,
  type FindingAction,
  type FindingObject,
  type JsonObject,
  type Severity,
  severities,
} from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { check, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core';
import { idCarries, implies, instant, oneOf } from './columns.ts';

/** What checks found, over time. Its state is not kept but told by `resolved_at` and the mute, which may end by itself. */
export const findings = pgTable(
  'findings',
  {
    id: uuid().primaryKey(),
    targetId: text().notNull(),
    checkName: text().$type<CheckName>().notNull(),
    fingerprint: text().notNull(),
    severity: text().$type<Severity>().notNull(),
    object: jsonb().$type<FindingObject>().notNull(),
    summary: text().notNull(),
    evidence: jsonb().$type<JsonObject>().notNull(),
    action: jsonb().$type<FindingAction>(),
    config: jsonb().$type<JsonObject>().notNull(),
    firstSeenAt: instant().notNull(),
    lastSeenAt: instant().notNull(),
    resolvedAt: instant(),
    occurrences: integer().notNull(),
    muteReason: text(),
    muteUntil: instant(),
    mutedBy: text(),
    mutedAt: instant(),
    taskId: uuid().notNull(),
  },
  (table) => [
    unique('findings_fingerprint').on(table.targetId, table.checkName, table.fingerprint),
    // Each serves a filtered list, newest first.
    index('findings_by_sight').on(table.firstSeenAt, table.id),
    index('findings_by_target').on(table.targetId, table.firstSeenAt, table.id),
    index('findings_by_check').on(table.checkName, table.firstSeenAt, table.id),
    index('findings_by_severity').on(table.severity, table.firstSeenAt, table.id),
    index('findings_unresolved').on(table.firstSeenAt, table.id).where(sql`resolved_at IS NULL`),
    check('findings_id', idCarries('first_seen_at')),
    check('findings_severity', oneOf('severity', severities)),
    check('findings_object', sql`jsonb_typeof(object) = 'object'`),
    check('findings_occurrences', sql`occurrences >= 1`),
    check('findings_mute_whole', sql`num_nulls(mute_reason, muted_by, muted_at) IN (0, 3)`),
    check('findings_mute_until', implies(sql`mute_until IS NOT NULL`, sql`muted_at IS NOT NULL`)),
  ],
);
