import { setTimeout } from 'node:timers/promises';
import { context } from '@opentelemetry/api';
import type { Flows, JobFlow } from '@slacktide/application/ports';
import type { FlowProducer, Queue } from 'bullmq';
import type { Connections } from './connection.ts';
import { flowTree, rootIdOf } from './flow-tree.ts';
import { contextOfTraceparent } from './queue-telemetry.ts';

/** Waits before another try to remove a flow with a delivery in hand: the one that finalised it is about to return. In milliseconds. */
const removePausesMs = [20, 50, 100, 200, 400, 800];

/** A job's tasks as a BullMQ flow (law 5). */
export class BullFlows implements Flows {
  readonly #connections: Connections;
  readonly #producer: FlowProducer;
  readonly #roots: Queue;

  constructor(connections: Connections, producer: FlowProducer, roots: Queue) {
    this.#connections = connections;
    this.#producer = producer;
    this.#roots = roots;
  }

  /**
   * Adds the flow, whole or not at all; every node carries the trace of `flow.traceparent`.
   * A flow whose root is there is there: adding it again does nothing, whatever has become of its nodes.
   *
   * @throws RedisAway within 5 s; the flow may nevertheless have been added.
   */
  async add(flow: JobFlow): Promise<void> {
    const tree = flowTree(flow);
    const rootKey = this.#roots.toKey(rootIdOf(flow));
    await this.#connections.command('add a flow', () =>
      context.with(contextOfTraceparent(flow.traceparent), async () => {
        if ((await this.#connections.commands.exists(rootKey)) === 0) await this.#producer.add(tree);
      }),
    );
  }

  /**
   * Removes a finalised flow with all its nodes; waits a little for a delivery that is about to end.
   *
   * @throws RedisAway; Error when a node stays in a worker's hands.
   */
  async remove(flow: { jobId: string; generation: number }): Promise<void> {
    for (const pauseMs of removePausesMs) {
      if (await this.#tryRemove(flow)) return;
      await setTimeout(pauseMs);
    }
    if (!(await this.#tryRemove(flow))) throw new Error(`flow ${rootIdOf(flow)} still has a delivery in hand`);
  }

  async #tryRemove(flow: { jobId: string; generation: number }): Promise<boolean> {
    const andChildren = true;
    // One script for the whole tree: 0 = a node is locked, and nothing was removed; 1 = nothing is left of it.
    const removed = await this.#connections.command('remove a flow', () =>
      this.#roots.getBackend().remove(rootIdOf(flow), andChildren),
    );
    return removed === 1;
  }
}
