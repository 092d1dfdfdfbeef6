import { type FiredTicks, fireTicks } from '@slacktide/application';
import type { Ledger } from '@slacktide/application/ports';
import type { Delivery } from '@slacktide/dispatch';
import { currentTrace, type Logger, type Metrics } from '@slacktide/telemetry';

/** A timer that is ahead of the ledger by more than this is not early but stale: the ledger has moved on. */
const earlyAtMostMs = 60_000;
/** The ledger's clock must have passed the due time when we come again. */
const marginMs = 5;

/** What a timer's wake-up leads to; the ledger decides. */
export async function tickDelivery(
  deps: { readonly ledger: Ledger; readonly metrics: Metrics; readonly logger: Logger },
  scheduleId: string,
): Promise<Delivery> {
  const ctx = { actor: { kind: 'system', id: 'dispatcher', name: 'dispatcher' } as const, ...currentTrace() };
  const fired: FiredTicks = await fireTicks(deps, ctx, scheduleId);
  switch (fired.kind) {
    case 'fired':
      deps.metrics.tickLatenessSeconds.observe(fired.latenessSeconds);
      deps.logger.info(
        { schedule_id: scheduleId, jobs: fired.jobs, lateness_seconds: fired.latenessSeconds, trace_id: ctx.traceId },
        'tick fired',
      );
      for (const task_type of fired.neverStarted) deps.metrics.taskTotal.inc({ task_type, status: 'skipped' });
      return { kind: 'done' };
    case 'nothing':
      return { kind: 'done' };
    case 'not_due':
      return fired.dueInMs <= earlyAtMostMs
        ? { kind: 'later', delayMs: Math.ceil(fired.dueInMs) + marginMs }
        : { kind: 'done' };
  }
}
