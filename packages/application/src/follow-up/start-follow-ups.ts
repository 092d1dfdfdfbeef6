import { isWithinWindow } from '@slacktide/domain';
import { AppError } from '../app-error.ts';
import type { Deps } from '../deps.ts';
import { jobCreated } from '../job/job-audit.ts';
import { addJob, newJob } from '../job/new-job.ts';
import { singleTask } from '../job/start-task.ts';
import type { AuditEntry, FollowUp, LedgerTransaction, RequestContext } from '../ports/index.ts';

type FollowUpDeps = Pick<Deps, 'ledger' | 'randomBytes' | 'taskTypes'>;

/** Who makes jobs of follow-ups: the fleet itself. */
const actor = { kind: 'system', id: 'follow-ups', name: 'follow-ups' } as const;

const pageSize = 100;

/** The transaction ends without having written anything: the ledger writes nothing without an audit entry. */
class TakenElsewhere extends Error {}

/**
 * Makes a job of each thing that tasks asked for and whose window is open, one transaction each; returns how many, at most `limit`. What waits for its window stays.
 * What cannot be made a job of (the target is gone, this release does not know the task) is refused, and says why. Any number may do it at once.
 */
export async function startFollowUps(
  deps: FollowUpDeps,
  trace: Pick<RequestContext, 'traceId' | 'traceparent'>,
  limit: number,
): Promise<number> {
  const ctx = { actor, ...trace };
  const now = await deps.ledger.now();
  let started = 0;
  let afterId = 0;
  // Page by page: however many wait for their window, they keep nobody behind them from starting.
  for (;;) {
    const page = await deps.ledger.followUps.listOpen(pageSize, afterId);
    for (const { id, window } of page) {
      if (started === limit) return started;
      if (isWithinWindow(window, now)) started += await startOne(deps, ctx, id);
      afterId = id;
    }
    if (page.length < pageSize) return started;
  }
}

/** 1 when a job was made of it; 0 when it was refused, or another process has it. */
async function startOne(deps: FollowUpDeps, ctx: RequestContext, id: number): Promise<0 | 1> {
  try {
    return await deps.ledger.transaction(ctx, async (tx) => {
      const followUp = await tx.followUps.lockOpen(id);
      if (followUp === undefined) throw new TakenElsewhere();
      const { job, audit } = await start(deps, ctx, tx, followUp);
      return { result: job, audit: [audit] };
    });
  } catch (error) {
    if (error instanceof TakenElsewhere) return 0;
    throw error;
  }
}

async function start(
  deps: FollowUpDeps,
  ctx: RequestContext,
  tx: LedgerTransaction,
  followUp: FollowUp,
): Promise<{ readonly job: 0 | 1; readonly audit: AuditEntry }> {
  const { id, targetId, window } = followUp;
  const refuse = async (reason: string): Promise<{ job: 0; audit: AuditEntry }> => {
    await tx.followUps.markRefused(id, reason);
    const after = { type: followUp.type, reason: followUp.reason, asked_by: followUp.askedByJobId };
    return { job: 0, audit: { action: 'follow_up.refuse', entity: 'target', entityId: targetId, after, reason } };
  };
  if ((await tx.targets.get(targetId)) === undefined) return await refuse('the target is gone');
  let task: ReturnType<typeof singleTask>;
  try {
    task = singleTask(deps.taskTypes, followUp.type, followUp.config);
  } catch (error) {
    if (error instanceof AppError) return await refuse(error.message);
    throw error;
  }
  const now = await tx.now();
  const job = newJob({
    trigger: 'adhoc',
    scheduleId: null,
    targetId,
    tasks: [followUp.timeLimitSeconds === null ? task : { ...task, timeLimitSeconds: followUp.timeLimitSeconds }],
    haltOnTaskFailure: true,
    window,
    scheduledFor: now,
    now,
    traceId: ctx.traceId,
    traceparent: ctx.traceparent,
    requestedBy: `${actor.name}: ${followUp.reason}`,
    idBytes: () => deps.randomBytes(16),
  });
  await addJob(tx, job);
  await tx.followUps.markStarted(id, job.id);
  return {
    job: 1,
    audit: { ...jobCreated(job), reason: `${followUp.reason} (asked for by ${followUp.askedByJobId})` },
  };
}
