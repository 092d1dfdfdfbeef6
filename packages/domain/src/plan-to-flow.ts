/** A tree of task keys: children are over before their parent starts. */
export interface FlowTree {
  readonly key: string;
  readonly children: readonly FlowTree[];
}

/** What the order of a flow depends on. */
export interface FlowTask {
  readonly key: string;
  readonly needs: readonly string[];
}

interface Graph {
  readonly place: ReadonlyMap<string, number>;
  readonly needs: ReadonlyMap<string, readonly string[]>;
  /** Both directions of every need. */
  readonly links: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * Turns any DAG of tasks into the trees a BullMQ flow is made of, by adding order, never dropping one (law 5).
 *
 * A tree node has one parent, so everything connected ends up below one task: of a connected part, the root is the task
 * nobody in it needs whose removal leaves the smallest rest, and the parts of the rest become its children. A forest
 * comes back unchanged. Pure: the same tasks in the same order always give the same trees.
 * @throws Error for a duplicate key, an unknown need or a cycle: `normaliseTasks` has refused those before.
 */
export function planToFlow(tasks: readonly FlowTask[]): readonly FlowTree[] {
  const graph = toGraph(tasks);
  return connectedParts(
    graph,
    tasks.map((task) => task.key),
  ).map((part) => treeOf(graph, part));
}

function treeOf(graph: Graph, part: readonly string[]): FlowTree {
  const needed = new Set(part.flatMap((key) => graph.needs.get(key) ?? []));
  let best: { key: string; cost: number; rest: string[][] } | undefined;
  for (const key of part) {
    if (needed.has(key)) continue;
    const rest = connectedParts(
      graph,
      part.filter((other) => other !== key),
    );
    const cost = rest.reduce((sum, piece) => sum + piece.length ** 2, 0);
    if (!best || cost < best.cost) best = { key, cost, rest };
  }
  if (!best) throw new Error(`cycle among ${part.join(', ')}`);
  return { key: best.key, children: best.rest.map((piece) => treeOf(graph, piece)) };
}

/** Splits `keys` into what hangs together, each part in the order of the plan. */
function connectedParts(graph: Graph, keys: readonly string[]): string[][] {
  const left = new Set(keys);
  const parts: string[][] = [];
  for (const start of left) {
    left.delete(start);
    const part = [start];
    // `part` grows while it is walked.
    for (const key of part) for (const other of graph.links.get(key) ?? []) if (left.delete(other)) part.push(other);
    parts.push(part.sort((a, b) => (graph.place.get(a) ?? 0) - (graph.place.get(b) ?? 0)));
  }
  return parts;
}

function toGraph(tasks: readonly FlowTask[]): Graph {
  const links = new Map(tasks.map((task) => [task.key, new Set(task.needs)]));
  if (links.size !== tasks.length) throw new Error('duplicate task key');
  for (const task of tasks) {
    for (const need of task.needs) {
      const back = links.get(need);
      if (!back) throw new Error(`${task.key} needs unknown task ${need}`);
      back.add(task.key);
    }
  }
  return {
    place: new Map(tasks.map((task, index) => [task.key, index])),
    needs: new Map(tasks.map((task) => [task.key, task.needs])),
    links,
  };
}
