import { failpoint } from '../failpoint/index.ts';
import { DispatchAway, type FlowId } from '../ports/index.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';

type Deps = Pick<ReconcileDeps, 'reconciliation' | 'repairs' | 'onRepair' | 'onError'>;

/** Removed from Redis in one pass: each is a script of its own. */
const removedInPass = 2_000;
const atOnce = 20;

/**
 * Removes what Redis holds and the ledger does not want: flows of jobs that are over, unknown or in another generation, and deliveries without
 * a root. Redis is read first: a flow is added only after its job was committed, so one that the ledger does not know never had a job, or has none
 * any more. What a worker has in hand stays until it is let go.
 */
export async function removeStrays(deps: Deps): Promise<void> {
  const { flows, strays } = await deps.repairs.lookFurther();
  const key = ({ jobId, generation }: FlowId): string => `${jobId}-${generation}`;
  const wanted = new Set((await deps.reconciliation.listWanted(flows)).map(key));
  const unwanted = flows.filter((flow) => !wanted.has(key(flow))).slice(0, removedInPass);

  const removed = await remove(deps, unwanted, key, (flow) => deps.repairs.removeFlow(flow));
  if (removed.length > 0) deps.onRepair({ kind: 'flow_removed', ids: removed });
  const some = strays.slice(0, removedInPass - unwanted.length);
  const gone = await remove(
    deps,
    some,
    ({ queue, id }) => `${queue}:${id}`,
    (stray) => deps.repairs.removeStray(stray),
  );
  if (gone.length > 0) deps.onRepair({ kind: 'stray_removed', ids: gone });
}

/** The names of those that were removed. */
async function remove<T>(
  deps: Pick<Deps, 'onError'>,
  all: readonly T[],
  nameOf: (one: T) => string,
  removeOne: (one: T) => Promise<boolean>,
): Promise<readonly string[]> {
  if (all.length > 0) await failpoint('reconcile.before_remove');
  const removed: string[] = [];
  for (let from = 0; from < all.length; from += atOnce) {
    await Promise.all(
      all.slice(from, from + atOnce).map(async (one) => {
        try {
          if (await removeOne(one)) removed.push(nameOf(one));
        } catch (error) {
          if (error instanceof DispatchAway) throw error;
          deps.onError(error, `remove ${nameOf(one)}`);
        }
      }),
    );
  }
  return removed;
}
