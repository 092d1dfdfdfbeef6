import type { JobFilter, Page } from '@slacktide/application/ports';
import { isTimeOrderedId } from '@slacktide/domain';
import type postgres from 'postgres';
import { decodeCursor } from '../cursor.ts';
import { rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';

/** The rows of `jobs` on a page, and one more when there is a next page; newest first. */
export function jobsPage(sql: LedgerSql, page: Page, filter: JobFilter): postgres.Fragment {
  const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, isTimeOrderedId);
  const { state, scheduleId, targetId, from, to } = filter;
  return sql`
    SELECT * FROM jobs
    ${whereAll(sql, [
      // What the row comparison implies is said again, since only this lets the planner leave partitions out.
      after && sql`scheduled_for <= ${after.at} AND (scheduled_for, id) < (${after.at}, ${after.id})`,
      state && sql`state = ${state}`,
      scheduleId === undefined ? undefined : sql`schedule_id = ${scheduleId}`,
      targetId === undefined ? undefined : sql`target_id = ${targetId}`,
      from && sql`scheduled_for >= ${from}`,
      to && sql`scheduled_for < ${to}`,
    ])}
    ORDER BY scheduled_for DESC, id DESC LIMIT ${rowsToRead(sql, page)}`;
}
