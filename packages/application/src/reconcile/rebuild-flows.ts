import { failpoint } from '../failpoint/index.ts';
import type { LostFlow } from '../ports/index.ts';
import type { HasMore, ReconcileDeps } from './reconcile-deps.ts';

/** Flows compared in one pass: a fleet at work has fewer, a burst of 100 000 jobs is gone through in some dozens of passes. */
const flowsInPass = 4_000;
const pageSize = 2_000;

/**
 * Compares open jobs with their flows in Redis, and has those rebuilt of which something is gone: next generation, new flow (law 5). The ledger is
 * read first, and had no message waiting: so the flow was in Redis before, and what is missing was lost, or has just ended. Which of the two, the
 * ledger decides as it rebuilds. Goes on where the last call ended.
 */
export class FlowComparison {
  readonly #deps: Pick<ReconcileDeps, 'reconciliation' | 'repairs' | 'onRepair'>;
  #after: string | null = null;

  constructor(deps: Pick<ReconcileDeps, 'reconciliation' | 'repairs' | 'onRepair'>) {
    this.#deps = deps;
  }

  async compare(): Promise<HasMore> {
    const { reconciliation, repairs } = this.#deps;
    let found = false;
    for (let compared = 0; compared < flowsInPass; ) {
      const flows = await reconciliation.listOpenFlows({ after: this.#after, limit: pageSize });
      const lost = await repairs.findLost(flows);
      if (lost.length > 0) found = (await this.#rebuild(lost)) || found;
      compared += flows.length;
      const isLast = flows.length < pageSize;
      this.#after = isLast ? null : (flows.at(-1)?.jobId ?? null);
      if (isLast) return false;
    }
    return found;
  }

  async #rebuild(lost: readonly LostFlow[]): Promise<boolean> {
    await failpoint('reconcile.before_rebuild');
    const rebuilt = await this.#deps.reconciliation.rebuild(lost);
    await failpoint('reconcile.after_rebuild');
    if (rebuilt.length > 0) this.#deps.onRepair({ kind: 'flow_rebuilt', ids: rebuilt.map(({ jobId }) => jobId) });
    return rebuilt.length > 0;
  }
}
