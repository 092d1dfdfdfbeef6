import { type FlowTree, planToFlow, type State } from '@slacktide/domain';
import { failpoint } from '../failpoint/index.ts';
import {
  DispatchAway,
  type FlowNode,
  type Flows,
  type LedgerReader,
  type OutboxBatch,
  type OutboxMessage,
  type OutboxQueue,
  type PlannedFlow,
  type Relayed,
  type TaskExecutions,
  type TickTimers,
} from '../ports/index.ts';

export interface RelayDeps {
  readonly ledger: Pick<LedgerReader, 'schedules'>;
  readonly outbox: Pick<OutboxQueue, 'drain' | 'listFlows'>;
  readonly executions: Pick<TaskExecutions, 'finalise'>;
  /** Told of each job that the relay itself ended. */
  readonly onFinalised?: (job: { readonly state: State; readonly neverStarted: readonly string[] }) => void;
  readonly flows: Flows;
  readonly ticks: TickTimers;
}

/** What the flows of a batch are built from, by job. */
type Plans = ReadonlyMap<string, PlannedFlow>;

/** Brings one batch of the outbox to Redis. Each message says only *what* changed; what to send is read from the ledger now. */
export async function relayOutbox(
  deps: RelayDeps,
  limit: number,
  first: 'oldest' | 'newest' = 'oldest',
): Promise<OutboxBatch> {
  const relayAll = async (messages: readonly OutboxMessage[]) => {
    const plans = await readPlans(deps, messages);
    return await Promise.all(messages.map((message) => outcomeOf(relay(deps, plans, message))));
  };
  return await deps.outbox.drain(limit, relayAll, first);
}

async function readPlans(deps: RelayDeps, messages: readonly OutboxMessage[]): Promise<Plans> {
  const jobIds = messages.flatMap((message) => (message.kind === 'flow.add' ? [message.jobId] : []));
  const flows = jobIds.length === 0 ? [] : await deps.outbox.listFlows(jobIds);
  return new Map(flows.map((flow) => [flow.jobId, flow]));
}

function outcomeOf(relayed: Promise<void>): Promise<Relayed> {
  return relayed.then(
    () => ({ kind: 'done' }),
    (error: unknown) => (error instanceof DispatchAway ? { kind: 'away' } : { kind: 'failed', error }),
  );
}

async function relay(deps: RelayDeps, plans: Plans, message: OutboxMessage): Promise<void> {
  switch (message.kind) {
    case 'flow.add':
      return await addFlow(deps, plans.get(message.jobId), message);
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

async function addFlow(deps: RelayDeps, plan: PlannedFlow | undefined, message: { generation: number }): Promise<void> {
  // A newer generation has its own message; a job that is over or gone needs no flow.
  if (plan === undefined || plan.generation !== message.generation) return;
  const { jobId, generation, trigger, traceparent } = plan;
  await failpoint('relay.before_add');
  await deps.flows.add({ jobId, generation, trigger, traceparent, roots: flowOf(plan) });
  await failpoint('relay.after_add');
}

/** The tree of the tasks that are not over. A need that is over orders nothing any more. */
function flowOf({ tasks }: PlannedFlow): readonly FlowNode[] {
  const byKey = new Map(tasks.map((task) => [task.key, task]));
  const open = tasks.map(({ key, needs }) => ({ key, needs: needs.filter((need) => byKey.has(need)) }));
  return toNodes(planToFlow(open), byKey);
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
