import type { TargetPage, TargetQuery } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { pageView } from '../view/page-view.ts';
import { targetView } from '../view/target-view.ts';

/** Targets, newest first. */
export async function listTargets(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  query: TargetQuery,
): Promise<TargetPage> {
  const { limit, cursor, label: labels } = query;
  return pageView(await deps.ledger.targets.list({ limit, cursor }, { labels }), targetView);
}
