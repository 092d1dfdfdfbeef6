import type { Schedule } from '@slacktide/domain';
import type { NewJob } from './job-store.ts';

/** A target a schedule is for at this moment; it stays until the transaction ends. */
export interface TickTarget {
  readonly id: string;
  /** The latest job of the schedule on the target that is not over; null = none. Not looked for under the overlap policy `allow`. */
  readonly openJobId: string | null;
}

/** A schedule with all that its due ticks are decided by. */
export interface DueSchedule {
  readonly schedule: Schedule;
  readonly targets: readonly TickTarget[];
}

/** Moves a schedule on after its ticks: neither an edit nor a new version. */
export interface ScheduleAdvance {
  readonly scheduleId: string;
  readonly nextDueAt: Date | null;
  readonly lastTickAt: Date;
}

/** Ticks of many schedules in few statements, in a transaction. */
export interface TickStore {
  /**
   * Locks up to `limit` enabled schedules that are due by the ledger's clock, the longest due first, leaving out those that others
   * hold: any number of dispatchers share the work. `only` = none but these.
   */
  lockDue(limit: number, only?: readonly string[]): Promise<readonly DueSchedule[]>;
  /** The same of schedules that are locked already. */
  facts(schedules: readonly Schedule[]): Promise<readonly DueSchedule[]>;
  /** Writes jobs, with a message for the relay for each that is not over, and moves the schedules on. Returns the ids of the jobs whose tick had none yet. */
  write(ticks: {
    readonly jobs: readonly NewJob[];
    readonly advances: readonly ScheduleAdvance[];
  }): Promise<ReadonlySet<string>>;
}
