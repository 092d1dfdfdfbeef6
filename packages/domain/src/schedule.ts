import type { JsonObject } from './json.ts';

/** What to do with ticks that came due while nothing could run them. */
export const misfirePolicies = ['skip', 'run_once', 'run_all'] as const;
export type MisfirePolicy = (typeof misfirePolicies)[number];

/** What to do with a tick while an earlier job of the schedule is not over on the target: leave it out, run it afterwards, run it beside. */
export const overlapPolicies = ['skip', 'queue', 'allow'] as const;
export type OverlapPolicy = (typeof overlapPolicies)[number];

/** Under `run_all`, how many missed ticks are run at most. */
export const defaultMisfireMax = 10;

/** The most that may be asked for. */
export const mostMisfires = 100;

/** How late a tick may be and still be caught up with, in seconds: a day. */
export const defaultCatchUpSeconds = 86_400;

/** The most that may be asked for, in seconds: a month. */
export const longestCatchUpSeconds = 31 * 86_400;

/** How long a task may run when nothing else was said, in seconds: twelve hours. */
export const defaultTimeLimitSeconds = 43_200;

/** The most that may be asked for, in seconds: a week. */
export const longestTimeLimitSeconds = 7 * 86_400;

/** One task as the schedule states it, normalised: key unique in the schedule, needs explicit. */
export interface TaskSpec {
  readonly key: string;
  readonly type: string;
  readonly config: JsonObject;
  /** Keys of the tasks that must be over before this one starts. */
  readonly needs: readonly string[];
  /** How long the task may run. Default `defaultTimeLimitSeconds`; left out by schedules written before there was a limit. */
  readonly timeLimitSeconds?: number;
}

/** Hours of the day in UTC, 0 to 23: open from the first minute of `startHour` up to, not including, `endHour`. 22→4 spans midnight; equal hours mean the whole day. */
export interface WindowHours {
  readonly startHour: number;
  readonly endHour: number;
}

/** Which targets a schedule is for: by id, or every target that carries all these labels. */
export type TargetSelection =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'labels'; readonly labels: Readonly<Record<string, string>> };

/** When, where and what. */
export interface Schedule {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly cronExpression: string;
  readonly timezone: string;
  readonly window: WindowHours | null;
  readonly targets: TargetSelection;
  readonly tasks: readonly TaskSpec[];
  readonly haltOnTaskFailure: boolean;
  readonly enabled: boolean;
  readonly misfirePolicy: MisfirePolicy;
  /** Under `run_all`: how many missed ticks are run, the newest ones; 1 to 100. */
  readonly misfireMax: number;
  /** A tick later than this is missed under every policy. Seconds. */
  readonly catchUpSeconds: number;
  readonly overlapPolicy: OverlapPolicy;
  readonly version: number;
  /** Next due time by the ledger; null while disabled. */
  readonly nextDueAt: Date | null;
  /** Due time of the latest tick that has its rows. */
  readonly lastTickAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
