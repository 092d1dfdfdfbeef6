import type { ApplyInput, FindingPlan, Job as JobView } from '@slacktide/contract';
import { objectKey, type TaskSpec } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { earlierResult } from '../earlier-result.ts';
import { singleTask, startTask } from '../job/start-task.ts';
import { planTasks } from '../plan/plan-tasks.ts';
import type { Finding, Plan, RequestContext } from '../ports/index.ts';
import { found } from '../preconditions.ts';
import { planView } from '../view/plan-view.ts';

type ApplyDeps = Pick<Deps, 'ledger' | 'inquiries' | 'inquiryTimeoutMs' | 'taskTypes' | 'randomBytes'>;

export type Applied =
  | { readonly kind: 'plan'; readonly plan: FindingPlan }
  | { readonly kind: 'job'; readonly job: JobView };

/**
 * Acts on a finding in two steps: first a worker has the check look again and shows what would be done; then, asked with the id of that very
 * plan, an ad-hoc job does it, and refuses if anything has changed since.
 * @throws AppError `not_found` | `conflict` when it is resolved, has nothing to propose, or the plan is another by now | `target_unreachable` |
 * `no_worker`
 */
export async function applyFinding(
  deps: ApplyDeps,
  ctx: RequestContext,
  input: ApplyInput & { readonly id: string },
): Promise<Applied> {
  if (input.plan_id !== undefined) {
    const earlier = await earlierResult<JobView>(deps.ledger, ctx);
    if (earlier !== undefined) return { kind: 'job', job: earlier };
  }
  const finding = found(await deps.ledger.findings.get(input.id), 'finding', input.id);
  if (finding.state === 'resolved') throw new AppError('conflict', 'The finding is resolved: there is nothing to do');
  if (finding.action === null) throw new AppError('conflict', 'The finding proposes nothing that is safe to do');
  const target = found(await deps.ledger.targets.get(finding.targetId), 'target', finding.targetId);
  const shown = taskOf(deps, finding, '');
  const pointers = { target: '', config: () => '' };
  const [plan] = await planTasks(deps, target, [shown], pointers);
  if (plan === undefined) throw new Error('a worker planned none of one task');
  const planId = planIdOf(plan);
  if (input.plan_id === undefined) {
    const view = planView(target.id, [{ task: shown, plan }]);
    return { kind: 'plan', plan: { finding_id: finding.id, plan_id: planId, plan: view } };
  }
  if (planId === null) throw new AppError('conflict', 'There is nothing to do any more: look at the plan again');
  if (planId !== input.plan_id) {
    throw new AppError('conflict', 'What would be done is not what was shown: look at the plan again');
  }
  const task = taskOf(deps, finding, planId);
  return { kind: 'job', job: await startTask(deps, ctx, { targetId: target.id, task }) };
}

function taskOf(deps: ApplyDeps, finding: Finding, planId: string): TaskSpec {
  return singleTask(deps.taskTypes, 'FINDING_ACTION', {
    finding_id: finding.id,
    check: finding.check,
    fingerprint: finding.fingerprint,
    object: objectKey(finding.object),
    check_config: finding.config,
    plan_id: planId,
  });
}

/** Null when nothing would be done. */
function planIdOf({ steps }: Plan): string | null {
  const id = steps[0]?.data['plan_id'];
  return typeof id === 'string' ? id : null;
}
