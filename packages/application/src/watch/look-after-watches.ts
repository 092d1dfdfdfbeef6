import type { TaskSpec } from '@slacktide/domain';
import type { Deps } from '../deps.ts';
import { jobCreated } from '../job/job-audit.ts';
import { addJob, newJob } from '../job/new-job.ts';
import { singleTask } from '../job/start-task.ts';
import type { AuditEntry, LedgerTransaction, RequestContext, Watch } from '../ports/index.ts';

type WatchDeps = Pick<Deps, 'ledger' | 'randomBytes' | 'taskTypes'>;

/** What a turn began, and whether there may be more to begin at once. */
export interface WatchTurn {
  readonly looks: number;
  readonly rollbacks: number;
  readonly hasMore: boolean;
}

/** Who makes these jobs: the fleet itself. */
const actor = { kind: 'system', id: 'watches', name: 'watches' } as const;

/** The transaction ends without having written anything: the ledger writes nothing without an audit entry. */
class NothingDue extends Error {}

/**
 * Begins a look at up to `limit` watches whose time has come, and takes back, once, what up to as many turned out badly. Each is a job of its own on the
 * watch's target, at any hour. Rows that another process holds are left to it, so that any number may do this at once.
 */
export async function lookAfterWatches(
  deps: WatchDeps,
  trace: Pick<RequestContext, 'traceId' | 'traceparent'>,
  limit: number,
): Promise<WatchTurn> {
  const ctx = { ...trace, actor };
  const turn = { looks: 0, rollbacks: 0 };
  try {
    await deps.ledger.transaction(ctx, async (tx) => {
      const audit: AuditEntry[] = [];
      for (const watch of await tx.watches.takeWorse(limit)) {
        const task = rollbackOf(deps, watch);
        const { jobId, entry } = await addTask(deps, ctx, tx, watch, task, `rollback of ${watch.object}`);
        await tx.watches.rollingBack(watch.id, jobId);
        audit.push({ ...entry, reason: `statements of ${watch.table} got worse without ${watch.object}` });
        turn.rollbacks += 1;
      }
      for (const watch of await tx.watches.takeDue(limit)) {
        const task = singleTask(deps.taskTypes, 'INDEX_WATCH', { watch_id: watch.id });
        const { jobId, entry } = await addTask(deps, ctx, tx, watch, task, `watch over ${watch.object}`);
        await tx.watches.looking(watch.id, jobId);
        audit.push(entry);
        turn.looks += 1;
      }
      const [first, ...rest] = audit;
      if (first === undefined) throw new NothingDue();
      return { result: null, audit: [first, ...rest] };
    });
  } catch (error) {
    if (!(error instanceof NothingDue)) throw error;
  }
  return { ...turn, hasMore: turn.looks === limit || turn.rollbacks === limit };
}

/** Only what this watch is about: what else the job did may have done no harm. */
function rollbackOf({ taskTypes }: WatchDeps, { jobId, rollbackPointId }: Watch): TaskSpec {
  return singleTask(taskTypes, 'ROLLBACK', { job_id: jobId, points: [rollbackPointId] });
}

async function addTask(
  deps: WatchDeps,
  ctx: RequestContext,
  tx: LedgerTransaction,
  { targetId }: Watch,
  task: TaskSpec,
  why: string,
): Promise<{ readonly jobId: string; readonly entry: AuditEntry }> {
  const now = await tx.now();
  const job = newJob({
    trigger: 'adhoc',
    scheduleId: null,
    targetId,
    tasks: [task],
    haltOnTaskFailure: true,
    window: null,
    scheduledFor: now,
    now,
    traceId: ctx.traceId,
    traceparent: ctx.traceparent,
    requestedBy: `${actor.name}: ${why}`,
    idBytes: () => deps.randomBytes(16),
  });
  await addJob(tx, job);
  return { jobId: job.id, entry: jobCreated(job) };
}
