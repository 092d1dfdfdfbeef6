import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found, sameVersion } from '../preconditions.ts';
import { targetView } from '../view/target-view.ts';

/**
 * Takes a target out of care; its jobs stay in history.
 * @throws AppError `not_found` | `precondition_failed` | `conflict` when a schedule names it or a job of it is not over
 */
export async function deleteTarget(
  deps: Pick<Deps, 'ledger'>,
  ctx: RequestContext,
  input: { readonly id: string; readonly expectedVersion: number | null },
): Promise<null> {
  return await deps.ledger.transaction(ctx, async (tx) => {
    const current = found(await tx.targets.getForUpdate(input.id), 'target', input.id);
    sameVersion(current.version, input.expectedVersion);
    await tx.targets.delete(current.id);
    return {
      result: null,
      audit: [
        { action: 'target.delete', entity: 'target', entityId: current.id, before: targetView(current), after: null },
      ],
    };
  });
}
