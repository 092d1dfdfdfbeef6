import type { RetentionRule } from './schema.ts';

/** How long rows are kept, in units of one length. */
export interface Period {
  readonly days: number;
  readonly hours: number;
}

/** Days of 24 hours: every session is in UTC. */
export function periodOf({ keep_days, keep }: Pick<RetentionRule, 'keep_days' | 'keep'>): Period {
  if (keep_days !== null) return { days: keep_days, hours: 0 };
  const { weeks, days, hours } =
    /^P(?:(?<weeks>\d+)W)?(?:(?<days>\d+)D)?(?:T(?<hours>\d+)H)?$/.exec(keep ?? '')?.groups ?? {};
  return { days: Number(days ?? 0) + 7 * Number(weeks ?? 0), hours: Number(hours ?? 0) };
}
