import type { ScheduleReader } from '@slacktide/application/ports';
import { isIdentifier } from '@slacktide/domain';
import { decodeCursor } from '../cursor.ts';
import { pageOf, rowsToRead } from '../page-of.ts';
import type { LedgerSql } from '../sql.ts';
import { whereAll } from '../where-all.ts';
import { type ScheduleRow, toSchedule } from './schedule-row.ts';

/** Reads schedules. */
export function createScheduleReader(sql: LedgerSql): ScheduleReader {
  return {
    async get(id) {
      const [row] = await sql<ScheduleRow[]>`SELECT * FROM schedules WHERE id = ${id}`;
      return row && toSchedule(row);
    },

    async list(page, filter = {}) {
      const after = page.cursor === undefined ? undefined : decodeCursor(page.cursor, isIdentifier);
      const rows = await sql<ScheduleRow[]>`
        SELECT * FROM schedules
        ${whereAll(sql, [
          after && sql`(created_at, id) < (${after.at}, ${after.id})`,
          filter.enabled === undefined ? undefined : sql`enabled = ${filter.enabled}`,
          filter.name === undefined ? undefined : sql`name = ${filter.name}`,
        ])}
        ORDER BY created_at DESC, id DESC LIMIT ${rowsToRead(sql, page)}`;
      return pageOf(rows.map(toSchedule), page, ({ createdAt, id }) => ({ at: createdAt, id }));
    },

    async dueTimes(ids) {
      const rows = await sql<{ id: string | null; nextDueAt: Date | null; now: Date }[]>`
        SELECT id, next_due_at, clock.now FROM (SELECT now()) AS clock LEFT JOIN schedules ON id = ANY(${[...ids]})`;
      const [{ now } = { now: new Date(Number.NaN) }] = rows;
      return { now, nextDueAt: new Map(rows.flatMap(({ id, nextDueAt }) => (id === null ? [] : [[id, nextDueAt]]))) };
    },
  };
}
