import type { SignalInput, Signal as SignalView } from '@slacktide/contract';
import { invalid } from '../app-error.ts';
import type { HealthStore, Ledger, NewSignal, RequestContext } from '../ports/index.ts';
import { signalView } from '../view/health-view.ts';
import { isBuiltInModule } from './built-in-modules.ts';

/**
 * Takes what a module says about itself; a change of its status is audited, a repetition is not.
 * @throws AppError `invalid_request` when the module is a built-in one
 */
export async function putSignal(
  deps: { readonly healthStore: Pick<HealthStore, 'repeatSignal'>; readonly ledger: Pick<Ledger, 'transaction'> },
  ctx: RequestContext,
  input: SignalInput,
): Promise<SignalView> {
  const { module, status, message, ttl_seconds: lifeSeconds } = input;
  if (isBuiltInModule(module)) {
    throw invalid('/module', 'reserved', `${module} is a module of Slacktide itself: choose another name`);
  }
  const signal = { module, status, message, lifeSeconds };
  for (;;) {
    const repeated = await deps.healthStore.repeatSignal(signal);
    if (repeated !== undefined) return signalView(repeated);
    const changed = await changeSignal(deps.ledger, ctx, signal);
    if (changed !== undefined) return changed;
  }
}

/** Writes the signal and its audit event; undefined when somebody else made the same change first, so that there is none. */
async function changeSignal(
  ledger: Pick<Ledger, 'transaction'>,
  ctx: RequestContext,
  signal: NewSignal,
): Promise<SignalView | undefined> {
  const { module, status, message } = signal;
  const noChange = new Error('the module has this status already');
  try {
    return await ledger.transaction(ctx, async (tx) => {
      const before = await tx.signals.getForUpdate(module);
      if (before?.status === status) throw noChange;
      const result = signalView(await tx.signals.put(signal));
      return {
        result,
        audit: [
          {
            action: 'signal.change',
            entity: 'signal',
            entityId: module,
            before: before === undefined ? null : { status: before.status, message: before.message },
            after: { status, message },
          },
        ],
      };
    });
  } catch (error) {
    if (error === noChange) return undefined;
    throw error;
  }
}
