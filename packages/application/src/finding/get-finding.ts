import type { Finding as FindingView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { findingView } from '../view/finding-view.ts';

/** @throws AppError `not_found` */
export async function getFinding(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  input: { readonly id: string },
): Promise<FindingView> {
  return findingView(found(await deps.ledger.findings.get(input.id), 'finding', input.id));
}
