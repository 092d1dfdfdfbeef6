import { sql } from 'drizzle-orm';
import { bigint, boolean, check, pgTable, text } from 'drizzle-orm/pg-core';
import { bothOrNeither } from './columns.ts';

/** How far the audit log is sealed: one row, which the sealing process holds locked. */
export const auditSealing = pgTable(
  'audit_sealing',
  {
    onlyRow: boolean().primaryKey().default(true),
    /** Every event with this id or a lower one is sealed, and none can be added any more by who writes as he should. */
    settledId: bigint({ mode: 'number' }).notNull().default(0),
    /** Ids up to this one were given out when `writers` were at work: they settle when none of those is there any more. */
    askedId: bigint({ mode: 'number' }),
    /** Virtual ids of transactions. */
    writers: text().array(),
  },
  () => [
    check('audit_sealing_only_row', sql`only_row`),
    check('audit_sealing_asked', bothOrNeither(sql`asked_id IS NULL`, sql`writers IS NULL`)),
  ],
);
