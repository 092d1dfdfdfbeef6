import { nextFiring } from '@slacktide/domain';
import type { RepeatStrategy } from 'bullmq';

interface Found {
  readonly fromMs: number;
  readonly nextMs: number | undefined;
}

/** Rules remembered before all are forgotten: more than any installation has, so that nobody fills the memory. */
const mostRules = 10_000;

/**
 * When a timer fires next: by the domain's rule, so that timer and ledger agree by construction, also where cron-parser gives up
 * (Australia/Lord_Howe in autumn: the timer would end). What was found from one instant holds for every later one before the firing, and
 * thousands of timers share a few rules: each is searched for once. Must be given to queue and worker alike.
 */
export function tickRepeatStrategy(): RepeatStrategy {
  const known = new Map<string, Found>();
  return (millis, { pattern, tz = 'UTC' }) => {
    if (pattern === undefined) return undefined;
    const rule = `${tz} ${pattern}`;
    const found = known.get(rule);
    if (found?.nextMs !== undefined && found.fromMs <= millis && millis < found.nextMs) return found.nextMs;
    const nextMs = nextFiring(pattern, tz, new Date(millis))?.getTime();
    if (known.size >= mostRules) known.clear();
    known.set(rule, { fromMs: millis, nextMs });
    return nextMs;
  };
}
