import type { ClaimedTask, Upkeep, UpkeepStore } from '../ports/index.ts';
import { whileLeased } from './persistently.ts';
import { TaskAbort } from './task-abort.ts';

/** The upkeep of our own ledger under a claim: writes reject with TaskAbort `lease_lost` when the right to them is gone. */
export function heldUpkeep(run: {
  readonly upkeep: UpkeepStore;
  readonly claimed: ClaimedTask;
  readonly signal: AbortSignal;
}): Upkeep {
  const { upkeep, claimed, signal } = run;
  const held = async <T>(write: () => Promise<T | undefined>): Promise<T> => {
    const written = await whileLeased(signal, write);
    if (written === undefined) throw new TaskAbort('lease_lost');
    return written;
  };
  return {
    stuckMessages: upkeep.stuckMessages,
    auditHeads: upkeep.auditHeads,
    auditHash: upkeep.auditHash,
    latestExports: upkeep.latestExports,
    readChain: upkeep.readChain,
    settleMessage: (id, wish) => held(() => upkeep.settleMessage(claimed, id, wish)),
    verifyAudit: (heads, options) => held(() => upkeep.verifyAudit(claimed, heads, options)),
    beginExport: (stretch, to) => held(() => upkeep.beginExport(claimed, stretch, to)),
    async completeExport(id, written) {
      if (!(await whileLeased(signal, () => upkeep.completeExport(claimed, id, written))))
        throw new TaskAbort('lease_lost');
    },
  };
}
