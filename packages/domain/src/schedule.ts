import type { JsonObject } from './json.ts';

/** What to do with ticks that came due while nothing could run them. */
export const misfirePolicies = ['skip', 'run_once'] as const;
export type MisfirePolicy = (typeof misfirePolicies)[number];

/** One task as the schedule states it, normalised: key unique in the schedule, needs explicit. */
export interface TaskSpec {
  readonly key: string;
  readonly type: string;
  readonly config: JsonObject;
  /** Keys of the tasks that must be over before this one starts. */
  readonly needs: readonly string[];
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
  readonly version: number;
  /** Next due time by the ledger; null while disabled. */
  readonly nextDueAt: Date | null;
  /** Due time of the latest tick that has its rows. */
  readonly lastTickAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
