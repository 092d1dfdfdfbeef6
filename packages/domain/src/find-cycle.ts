/**
 * Some cycle among tasks, as the keys in the order in which each needs the next (the last needs the first), or null when
 * there is none. Begins with the cycle's first task in the list; needs outside the list are passed over.
 */
export function findCycle(
  tasks: readonly { readonly key: string; readonly needs: readonly string[] }[],
): readonly string[] | null {
  const needs = new Map(tasks.map((task) => [task.key, task.needs]));
  const done = new Set<string>();
  const path: string[] = [];

  const visit = (key: string): readonly string[] | null => {
    if (done.has(key)) return null;
    const start = path.indexOf(key);
    if (start >= 0) return path.slice(start);
    path.push(key);
    for (const need of needs.get(key) ?? []) {
      const cycle = visit(need);
      if (cycle) return cycle;
    }
    path.pop();
    done.add(key);
    return null;
  };

  for (const { key } of tasks) {
    const cycle = visit(key);
    if (!cycle) continue;
    const head = tasks.find((task) => cycle.includes(task.key))?.key ?? key;
    const at = cycle.indexOf(head);
    return [...cycle.slice(at), ...cycle.slice(0, at)];
  }
  return null;
}
