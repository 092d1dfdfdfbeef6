import { type FlowTree, planToFlow, type State } from '@slacktide/domain';
import { failpoint } from '../failpoint/index.ts';
import type {
  FlowNode,
  Flows,
  JobWithTasks,
  LedgerReader,
  OutboxBatch,
  OutboxMessage,
  OutboxQueue,
  TaskExecutions,
  TickTimers,
} from '../ports/index.ts';

export interface RelayDeps {
  readonly ledger: LedgerReader;
  readonly outbox: OutboxQueue;
  readonly executions: Pick<TaskExecutions, 'finalise'>;
  /** Told of each job that the relay itself ended. */
  readonly onFinalised?: (job: { readonly state: State; readonly neverStarted: readonly string[] }) => void;
  readonly flows: Flows;
  readonly ticks: TickTimers;
}

/** Brings one batch of the outbox to Redis. Each message says only *what* changed; what to send is read from the ledger now. */
export async function relayOutbox(deps: RelayDeps, limit: number): Promise<OutboxBatch> {
  return await deps.outbox.drain(limit, (message) => relay(deps, message));
}

async function relay(deps: RelayDeps, message: OutboxMessage): Promise<void> {
  switch (message.kind) {
    case 'flow.add':
      return await addFlow(deps, message);
    case 'job.finalise':
      return await finalise(deps, message);
    case 'flow.remove':
      await failpoint('relay.before_remove');
      return await deps.flows.remove(message);
    case 'schedule.sync':
      return await syncSchedule(deps, message.scheduleId);
  }
}

async function finalise(deps: RelayDeps, message: { jobId: string; generation: number }): Promise<void> {
  const finalised = await deps.executions.finalise(message);
  if (finalised.kind === 'finalised') deps.onFinalised?.(finalised);
}

async function addFlow(deps: RelayDeps, message: { jobId: string; generation: number }): Promise<void> {
  const job = await deps.ledger.jobs.get(message.jobId);
  // A newer generation has its own message; a job that is gone needs no flow.
  if (job === undefined || job.generation !== message.generation) return;
  await failpoint('relay.before_add');
  await deps.flows.add({ jobId: job.id, generation: job.generation, traceparent: job.traceparent, roots: flowOf(job) });
  await failpoint('relay.after_add');
}

/** The tree of a job's tasks: a pure function of (job, generation), so adding it twice adds the same. */
function flowOf(job: JobWithTasks): readonly FlowNode[] {
  return toNodes(planToFlow(job.tasks), new Map(job.tasks.map((task) => [task.key, task])));
}

function toNodes(
  trees: readonly FlowTree[],
  tasks: ReadonlyMap<string, { id: string; type: string }>,
): readonly FlowNode[] {
  return trees.map(({ key, children }) => {
    const task = tasks.get(key);
    if (task === undefined) throw new Error(`no task ${key}`);
    return { taskId: task.id, type: task.type, children: toNodes(children, tasks) };
  });
}

async function syncSchedule(deps: RelayDeps, scheduleId: string): Promise<void> {
  const schedule = await deps.ledger.schedules.get(scheduleId);
  if (schedule?.enabled) return await deps.ticks.set(schedule);
  return await deps.ticks.remove(scheduleId);
}
