import type { FindingPage, FindingQuery } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { findingView } from '../view/finding-view.ts';
import { pageView } from '../view/page-view.ts';

/** Findings, newest first by first sight. */
export async function listFindings(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  query: FindingQuery,
): Promise<FindingPage> {
  const { limit, cursor, target_id: targetId, check, state, severity } = query;
  return pageView(
    await deps.ledger.findings.list({ limit, cursor }, { targetId, check, state, severity }),
    findingView,
  );
}
