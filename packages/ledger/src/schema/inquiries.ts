import type { Answer, Question } from '@slacktide/application/ports';
import { sql } from 'drizzle-orm';
import { check, index, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { bothOrNeither, instant } from './columns.ts';

/** Questions to workers. Open while `worker_id` is null and the asker still waits. */
export const inquiries = pgTable(
  'inquiries',
  {
    id: uuid().primaryKey(),
    question: jsonb().$type<Question>().notNull(),
    askedAt: instant().notNull().defaultNow(),
    /** When the asker stops waiting; an older row is swept. */
    expiresAt: instant().notNull(),
    workerId: text(),
    takenAt: instant(),
    answer: jsonb().$type<Answer>(),
    answeredAt: instant(),
  },
  (table) => [
    index('inquiries_open').on(table.askedAt).where(sql`worker_id IS NULL`),
    check('inquiries_taken', bothOrNeither(sql`worker_id IS NULL`, sql`taken_at IS NULL`)),
    check('inquiries_answered', bothOrNeither(sql`answer IS NULL`, sql`answered_at IS NULL`)),
  ],
);
