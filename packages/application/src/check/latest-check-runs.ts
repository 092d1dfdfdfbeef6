import type { CheckRunList } from '@slacktide/contract';
import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';

/** The latest run of every check that ran on a target, with all it left out and could not see. @throws AppError `not_found` */
export async function latestCheckRuns(
  deps: Pick<Deps, 'ledger'>,
  _ctx: RequestContext,
  input: { readonly id: string },
): Promise<CheckRunList> {
  const target = found(await deps.ledger.targets.get(input.id), 'target', input.id);
  const runs = await deps.ledger.findings.latestRuns(target.id);
  const items = runs.map((run) => ({
    check: run.check,
    task_id: run.taskId,
    at: run.at.toISOString(),
    checked: run.checked,
    found: run.found,
    skipped: run.skipped.map((entry) => ({ ...entry })),
    unknown: run.unknown.map((entry) => ({ ...entry })),
    figures: run.figures,
    config: run.config,
  }));
  return { target_id: target.id, items, next_cursor: null };
}
