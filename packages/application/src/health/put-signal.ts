import type { SignalInput, Signal as SignalView } from '@slacktide/contract';
import type { HealthStore, Ledger, RequestContext } from '../ports/index.ts';
import { signalView } from '../view/health-view.ts';

/** Takes what a module says about itself; a change of its status is audited, a repetition is not. */
export async function putSignal(
  deps: { readonly healthStore: Pick<HealthStore, 'putSignal' | 'listSignals'>; readonly ledger: Ledger },
  ctx: RequestContext,
  input: SignalInput,
): Promise<SignalView> {
  const before = (await deps.healthStore.listSignals()).find(({ module }) => module === input.module);
  const { module, status, message, ttl_seconds } = input;
  const signal = await deps.healthStore.putSignal({ module, status, message, lifeSeconds: ttl_seconds });
  if (before?.status !== status) {
    await deps.ledger.transaction(ctx, async () => ({
      result: null,
      audit: [
        {
          action: 'signal.change',
          entity: 'signal',
          entityId: module,
          before: before === undefined ? null : { status: before.status },
          after: { status, message },
        },
      ],
    }));
  }
  return signalView(signal);
}
