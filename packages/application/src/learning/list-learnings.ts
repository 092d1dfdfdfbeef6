import type { LearningPage, LearningQuery, Learning as LearningView } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { Learning, RequestContext } from '../ports/index.ts';
import { pageView } from '../view/page-view.ts';

/** What was learned of targets, newest first. */
export async function listLearnings(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  { limit, cursor, target_id: targetId, kind }: LearningQuery,
): Promise<LearningPage> {
  return pageView(await deps.ledger.learnings.list({ limit, cursor }, { targetId, kind }), learningView);
}

function learningView({ targetId, kind, key, value, firstLearnedAt, learnedAt }: Learning): LearningView {
  // The trees of a model are of no use to anybody but the model.
  const { forest: _, ...shown } = value;
  return {
    target_id: targetId,
    kind,
    key,
    value: kind === 'model' ? shown : value,
    first_learned_at: firstLearnedAt.toISOString(),
    learned_at: learnedAt.toISOString(),
  };
}
