import type { ConcurrentLimits } from '../concurrent-work.ts';

/** What a safe drop holds itself to. */
export interface SafeDropLimits extends ConcurrentLimits {
  readonly require_rehearsal: boolean;
  readonly max_cost_increase_percent: number;
  readonly top_statements: number;
  /** 0 = no watch. */
  readonly watch_hours: number;
  readonly watch_every_minutes: number;
  readonly watch_min_calls: number;
  readonly watch_max_slower_percent: number;
  readonly roll_back_when_worse: boolean;
}
