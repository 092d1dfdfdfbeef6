import { targetKinds } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, index, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { callersId, instant, oneOf } from './columns.ts';

export const targets = pgTable(
  'targets',
  {
    id: text().primaryKey(),
    name: text().notNull(),
    kind: text().$type<(typeof targetKinds)[number]>().notNull(),
    connection: text().notNull(),
    secretRef: text(),
    /** Default: rows of the release before are written without. */
    standbys: jsonb().$type<readonly string[]>().notNull().default([]),
    labels: jsonb().$type<Readonly<Record<string, string>>>().notNull(),
    /** The latest number given to a claim on this target; each claim takes the next one. */
    fence: bigint({ mode: 'number' }).notNull().default(0),
    version: integer().notNull(),
    createdAt: instant().notNull(),
    updatedAt: instant().notNull(),
  },
  (table) => [
    index('targets_labels').using('gin', table.labels.op('jsonb_path_ops')),
    index('targets_by_creation').on(table.createdAt, table.id),
    check('targets_id', callersId),
    check('targets_kind', oneOf('kind', targetKinds)),
    check('targets_version', sql`version >= 1`),
    check('targets_fence', sql`fence >= 0`),
    check('targets_labels_object', sql`jsonb_typeof(labels) = 'object'`),
    // Law 12: the API refuses a password with a reason; this refuses it whoever writes.
    check(
      'targets_no_password',
      sql.raw(`connection !~ '^[a-z]+://[^/?#@]*:[^/?#@]*@' AND connection !~ '[?&]password='`),
    ),
    check(
      'targets_standbys_texts',
      sql.raw(
        `jsonb_typeof(standbys) = 'array' AND NOT jsonb_path_exists(standbys, 'strict $[*] ? (@.type() != "string")', '{}', true)`,
      ),
    ),
    check(
      'targets_standbys_no_password',
      sql.raw(
        `NOT jsonb_path_exists(standbys, 'strict $[*] ? (@ like_regex "^[a-z]+://[^/?#@]*:[^/?#@]*@" || @ like_regex "[?&]password=")', '{}', true)`,
      ),
    ),
  ],
);
