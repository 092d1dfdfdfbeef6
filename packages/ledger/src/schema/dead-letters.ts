import { type MessageNeed, messageNeeds } from '@slacktide/application/ports';
import type { Json } from '@slacktide/domain';
import { bigint, check, index, integer, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';

/** Messages of the outbox that failed too often, or waited too long, and that nobody needs any more. */
export const deadLetters = pgTable(
  'dead_letters',
  {
    /** As it was in the outbox. */
    id: bigint({ mode: 'number' }).primaryKey(),
    subject: text().notNull(),
    message: jsonb().$type<Json>().notNull(),
    createdAt: instant().notNull(),
    attempts: integer().notNull(),
    lastError: text(),
    archivedAt: instant().notNull().defaultNow(),
    /** Why nobody needs it. */
    need: text().$type<MessageNeed>().notNull(),
    /** The task that moved it here. */
    taskId: uuid().notNull(),
  },
  (table) => [
    index('dead_letters_by_age').on(table.archivedAt),
    check(
      'dead_letters_need',
      oneOf(
        'need',
        messageNeeds.filter((need) => need !== 'needed' && need !== 'unknown_kind'),
      ),
    ),
  ],
);
