import { type Access, accesses } from '@slacktide/domain';
import { sql } from 'drizzle-orm';
import { bigint, check, index, pgTable, text, uniqueIndex, uuid } from 'drizzle-orm/pg-core';
import { instant, oneOf } from './columns.ts';
import { targets } from './targets.ts';

/** Who may act on a target now, by the ledger; Redis has a copy for speed, this one has the last word. */
export const leases = pgTable(
  'leases',
  {
    taskId: uuid().primaryKey(),
    targetId: text()
      .notNull()
      .references(() => targets.id),
    access: text().$type<Access>().notNull(),
    workerId: text().notNull(),
    fence: bigint({ mode: 'number' }).notNull(),
    expiresAt: instant().notNull(),
  },
  (table) => [
    // Law 6: at most one `act` lease for a target, whatever the code above does.
    uniqueIndex('leases_one_act').on(table.targetId).where(sql`access = 'act'`),
    index('leases_by_target').on(table.targetId),
    index('leases_by_expiry').on(table.expiresAt),
    check('leases_access', oneOf('access', accesses)),
  ],
);
