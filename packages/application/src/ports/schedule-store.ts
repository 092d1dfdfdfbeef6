import type { Schedule } from '@slacktide/domain';
import type { Page, PageOf } from './page.ts';

export interface ScheduleFilter {
  readonly enabled?: boolean | undefined;
  readonly name?: string | undefined;
}

export interface ScheduleReader {
  get(id: string): Promise<Schedule | undefined>;
  list(page: Page, filter?: ScheduleFilter): Promise<PageOf<Schedule>>;
  /** When these are due next, by the ledger's clock at `now`; null = never, while disabled; unknown ones are left out. */
  dueTimes(
    ids: readonly string[],
  ): Promise<{ readonly now: Date; readonly nextDueAt: ReadonlyMap<string, Date | null> }>;
}

export interface ScheduleWriter {
  /** Locks the row for the rest of the transaction. */
  getForUpdate(id: string): Promise<Schedule | undefined>;
  /** @throws AppError `conflict` when the id is taken, or a target it names is gone. */
  insert(schedule: Schedule): Promise<void>;
  /** Replaces the row when its version is still `schedule.version - 1`; false = somebody was faster. @throws AppError `conflict` when a target it names is gone. */
  update(schedule: Schedule): Promise<boolean>;
  /** Jobs of a deleted schedule stay in history. */
  delete(id: string): Promise<void>;
}
