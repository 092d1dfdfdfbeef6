import { type TaskTypeCatalog, type TickAnswer, TickQueue } from '@slacktide/application';
import type { Ledger, RequestContext } from '@slacktide/application/ports';
import type { Delivery, TickDelivery } from '@slacktide/dispatch';
import { currentTrace, type Logger, type Metrics } from '@slacktide/telemetry';
import { tellTicks } from './tell-ticks.ts';

/** A timer that is ahead of the ledger by more than this is not early but stale: the ledger has moved on. */
const earlyAtMostMs = 60_000;
/** The ledger's clock must have passed the due time when we come again. */
const marginMs = 5;
/** Another dispatcher writes the tick: a look whether it did. */
const elsewhereMs = 250;

const dispatcher = { kind: 'system', id: 'dispatcher', name: 'dispatcher' } as const;

/** Turns timers that go off into rows; the ledger decides. */
export function tickHandler(deps: {
  readonly ledger: Ledger;
  readonly taskTypes: TaskTypeCatalog;
  readonly metrics: Metrics;
  readonly logger: Logger;
}): (tick: TickDelivery) => Promise<Delivery> {
  const ctx = (): RequestContext => ({ actor: dispatcher, ...currentTrace() });
  const queue = new TickQueue({ ...deps, ctx, onBatch: (batch) => tellTicks(deps, batch) });
  return async (tick) => toDelivery(await queue.fire({ ...tick, trace: currentTrace() }));
}

function toDelivery(answer: TickAnswer): Delivery {
  switch (answer.kind) {
    case 'fired':
    case 'nothing':
      return { kind: 'done' };
    case 'elsewhere':
      return { kind: 'later', delayMs: elsewhereMs };
    case 'not_due':
      return answer.dueInMs <= earlyAtMostMs
        ? { kind: 'later', delayMs: Math.ceil(answer.dueInMs) + marginMs }
        : { kind: 'done' };
  }
}
