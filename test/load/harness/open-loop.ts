/**
 * Calls `send` at a fixed rate, whether the calls before have been answered or not, and returns the milliseconds from the
 * moment at which each was due to its answer: a server that stalls is not spared the calls that fall into the stall.
 */
export async function openLoop(options: {
  readonly perSecond: number;
  readonly count: number;
  readonly send: (position: number) => Promise<void>;
}): Promise<readonly number[]> {
  const { perSecond, count, send } = options;
  const began = performance.now();
  const calls: Promise<number>[] = [];
  for (let position = 0; position < count; position += 1) {
    const dueAt = began + (position * 1000) / perSecond;
    const waitMs = dueAt - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    calls.push(send(position).then(() => performance.now() - Math.max(dueAt, began)));
  }
  return await Promise.all(calls);
}
