import type { LedgerReader, TickTimers } from '@slacktide/application/ports';

/** Sees that every enabled schedule has its timer in Redis. Setting one that agrees does nothing, so no pending tick is lost. */
export async function syncTimers(deps: { readonly ledger: LedgerReader; readonly ticks: TickTimers }): Promise<void> {
  for (const schedule of await deps.ledger.schedules.listEnabled()) await deps.ticks.set(schedule);
}
