import type { FlowNode, JobFlow } from '@slacktide/application/ports';
import type { FlowJob, FlowJobNode, JobsOptions } from 'bullmq';
import { type FinaliseData, smallPayload, type TaskData } from './delivery-data.ts';
import { deliveryAttempts } from './dispatch-times.ts';
import { finaliseQueue, queueOfTaskType } from './queue-names.ts';

/** Id of a flow's root on the queue `finalise`. */
export function rootIdOf(flow: { readonly jobId: string; readonly generation: number }): string {
  return `${flow.jobId}-${flow.generation}`;
}

/** Name of the back-off that the workers compute (`retryDelayMs`). */
export const backoffType = 'capped';

const everyNode = {
  attempts: deliveryAttempts,
  backoff: { type: backoffType },
  // Kept until the ledger has finalised the job: a flow with nodes missing cannot be added again.
  removeOnComplete: false,
  removeOnFail: false,
  stackTraceLimit: 0,
} satisfies JobsOptions;

/** The tree that BullMQ runs for a generation of a job: a pure function of it, so that adding it again adds the same (law 5). */
export function flowTree(flow: JobFlow): FlowJob {
  const { jobId, generation } = flow;
  return {
    name: 'finalise',
    queueName: finaliseQueue,
    data: smallPayload<FinaliseData>({ jobId, generation }),
    opts: { ...everyNode, jobId: rootIdOf(flow) },
    children: flow.roots.map((node) => taskNode(node, flow)),
  };
}

function taskNode(node: FlowNode, flow: Pick<JobFlow, 'generation' | 'trigger'>): FlowJobNode {
  const { generation, trigger } = flow;
  return {
    name: node.type,
    queueName: queueOfTaskType(node.type),
    data: smallPayload<TaskData>({ taskId: node.taskId, generation }),
    // A delivery that fails for good must not hold up the root: whether the next may start is the ledger's question.
    opts: {
      ...everyNode,
      jobId: `${node.taskId}-${generation}`,
      ignoreDependencyOnFailure: true,
      // A person waits for it: it is delivered next, whatever else is queued. Put off once, it goes to the back like any other.
      ...(trigger === 'schedule' ? {} : { lifo: true }),
    },
    children: node.children.map((child) => taskNode(child, flow)),
  };
}
