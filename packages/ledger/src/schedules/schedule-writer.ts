import type { ScheduleWriter } from '@slacktide/application/ports';
import type { Schedule } from '@slacktide/domain';
import { jsonb, type LedgerSql } from '../sql.ts';
import { takenError } from '../taken.ts';
import { keepTargets } from '../targets/keep-targets.ts';
import { type ScheduleRow, toSchedule } from './schedule-row.ts';

/** Writes schedules in a transaction. A target named by id stays as long as the schedule names it. */
export function createScheduleWriter(sql: LedgerSql): ScheduleWriter {
  return {
    async getForUpdate(id) {
      const [row] = await sql<ScheduleRow[]>`SELECT * FROM schedules WHERE id = ${id} FOR UPDATE`;
      return row && toSchedule(row);
    },

    async insert(schedule) {
      await keepNamedTargets(sql, schedule);
      const { createdAt, lastTickAt } = schedule;
      try {
        await sql`INSERT INTO schedules ${sql({ ...columns(sql, schedule), createdAt, lastTickAt })}`;
      } catch (error) {
        throw takenError(error, { table: 'schedules', id: schedule.id });
      }
    },

    async update(schedule) {
      await keepNamedTargets(sql, schedule);
      const { count } = await sql`
        UPDATE schedules SET ${sql(columns(sql, schedule))}
        WHERE id = ${schedule.id} AND version = ${schedule.version - 1}`;
      return count === 1;
    },

    async delete(id) {
      await sql`DELETE FROM schedules WHERE id = ${id}`;
    },
  };
}

async function keepNamedTargets(sql: LedgerSql, { targets }: Schedule): Promise<void> {
  if (targets.kind === 'ids') await keepTargets(sql, targets.ids);
}

/** What an edit writes: `lastTickAt` is the ticks' alone. */
function columns(sql: LedgerSql, { window, targets, tasks, createdAt: _, lastTickAt: __, ...schedule }: Schedule) {
  return {
    ...schedule,
    windowStartHour: window?.startHour ?? null,
    windowEndHour: window?.endHour ?? null,
    targets: jsonb(sql, targets),
    tasks: jsonb(sql, tasks),
  };
}
