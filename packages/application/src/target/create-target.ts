import type { TargetInput, Target as TargetView } from '@slacktide/contract';
import { type Target, timeOrderedId } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import { earlierResult } from '../earlier-result.ts';
import type { RequestContext } from '../ports/index.ts';
import { targetView } from '../view/target-view.ts';
import { inspectTarget } from './inspect-target.ts';
import { contentOf } from './target-content.ts';

/**
 * Takes a database into care; a worker has a look at it first unless `verify` is false.
 * @throws AppError `target_unreachable` | `no_worker` | `conflict` when the id is taken
 */
export async function createTarget(
  deps: Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs' | 'randomBytes'>,
  ctx: RequestContext,
  input: { readonly target: TargetInput; readonly verify: boolean },
): Promise<TargetView> {
  const content = contentOf(input.target);
  if (input.verify) {
    const earlier = await earlierResult<TargetView>(deps.ledger, ctx);
    if (earlier !== undefined) return earlier;
    await inspectTarget(deps, content);
  }
  return await deps.ledger.transaction(ctx, async (tx) => {
    const now = await tx.now();
    const id = input.target.id ?? timeOrderedId(now, deps.randomBytes(16));
    const target: Target = { ...content, id, version: 1, createdAt: now, updatedAt: now };
    await tx.targets.insert(target);
    const result = targetView(target);
    return {
      result,
      audit: [{ action: 'target.create', entity: 'target', entityId: id, before: null, after: result }],
    };
  });
}
