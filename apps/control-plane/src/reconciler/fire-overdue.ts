import { fireDueTicks, type TaskTypeCatalog } from '@slacktide/application';
import type { Ledger, Reconciliation, RequestContext } from '@slacktide/application/ports';
import { currentTrace, type Logger, type Metrics } from '@slacktide/telemetry';
import { tellTicks } from '../dispatcher/tell-ticks.ts';

/** A timer's tick has its rows well within this; one that has not lost its timer, or Redis is away. */
const overdueAfterMs = 1_000;

/** Fires schedules whose timers did not; resolves with the ids of those that were fired. */
export async function fireOverdue(
  deps: {
    readonly ledger: Ledger;
    readonly taskTypes: TaskTypeCatalog;
    readonly reconciliation: Pick<Reconciliation, 'listOverdue'>;
    readonly metrics: Metrics;
    readonly logger: Logger;
  },
  limit: number,
): Promise<readonly string[]> {
  const overdue = await deps.reconciliation.listOverdue(overdueAfterMs, limit);
  if (overdue.length === 0) return [];
  const ctx: RequestContext = {
    actor: { kind: 'system', id: 'reconciler', name: 'reconciler' },
    ...currentTrace(),
  };
  const batch = await fireDueTicks(deps, ctx, overdue.length, { only: overdue });
  tellTicks(deps, batch);
  return batch.fired.map(({ scheduleId }) => scheduleId);
}
