import type { TargetTest } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { targetTestView } from '../view/target-view.ts';
import { inspectTarget } from './inspect-target.ts';

/** Has a worker look at a target and tells what it saw. @throws AppError `not_found` | `target_unreachable` | `no_worker` */
export async function testTarget(
  deps: Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs'>,
  _ctx: RequestContext,
  input: { readonly id: string },
): Promise<TargetTest> {
  const target = found(await deps.ledger.targets.get(input.id), 'target', input.id);
  return targetTestView(target.id, await inspectTarget(deps, target));
}
