import type { Target as TargetView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { targetView } from '../view/target-view.ts';

/** One target. @throws AppError `not_found` */
export async function getTarget(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  input: { readonly id: string },
): Promise<TargetView> {
  return targetView(found(await deps.ledger.targets.get(input.id), 'target', input.id));
}
