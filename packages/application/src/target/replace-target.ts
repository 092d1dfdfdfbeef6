import type { TargetInput, Target as TargetView } from '@slacktide/contract';
import type { Target } from '@slacktide/domain';
import { AppError, invalid } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { earlierResult } from '../earlier-result.ts';
import type { RequestContext } from '../ports/index.ts';
import { found, sameVersion } from '../preconditions.ts';
import { targetView } from '../view/target-view.ts';
import { inspectTarget } from './inspect-target.ts';
import { contentOf } from './target-content.ts';

/** Which target is to be replaced, by what, and the version its author saw; null = whichever there is. */
export interface TargetReplacement {
  readonly id: string;
  readonly expectedVersion: number | null;
  readonly target: TargetInput;
  readonly verify: boolean;
}

/**
 * Replaces a target; a worker has a look at the new address first unless `verify` is false.
 * @throws AppError `not_found` | `precondition_failed` | `invalid_request` | `target_unreachable` | `no_worker`
 */
export async function replaceTarget(
  deps: Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs'>,
  ctx: RequestContext,
  input: TargetReplacement,
): Promise<TargetView> {
  const content = contentOf(input.target);
  if (input.verify) {
    const earlier = await earlierResult<TargetView>(deps.ledger, ctx);
    if (earlier !== undefined) return earlier;
    judge(await deps.ledger.targets.get(input.id), input);
    await inspectTarget(deps, content);
  }
  return await deps.ledger.transaction(ctx, async (tx) => {
    const current = judge(await tx.targets.getForUpdate(input.id), input);
    const target: Target = { ...current, ...content, version: current.version + 1, updatedAt: await tx.now() };
    if (!(await tx.targets.update(target))) {
      throw new AppError('precondition_failed', 'The target was changed by somebody else: read it again');
    }
    const result = targetView(target);
    const before = targetView(current);
    return {
      result,
      audit: [{ action: 'target.replace', entity: 'target', entityId: target.id, before, after: result }],
    };
  });
}

function judge(target: Target | undefined, input: TargetReplacement): Target {
  const current = found(target, 'target', input.id);
  sameVersion(current.version, input.expectedVersion);
  if (input.target.id !== undefined && input.target.id !== current.id) {
    throw invalid('/id', 'immutable', 'The id of a target cannot be changed');
  }
  return current;
}
