/** Queue of the roots: one job per flow, delivered when all its tasks are over. */
export const finaliseQueue = 'finalise';
/** Queue of the ticks: never long, never paused, nothing else on it. */
export const ticksQueue = 'ticks';
const reserved: readonly string[] = [finaliseQueue, ticksQueue];

const taskTypeFormat = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*$/;
const queueFormat = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/** `INDEX_REBUILD` → `index-rebuild`. @throws RangeError for anything but upper-case words, and for a name the dispatcher keeps for itself. */
export function queueOfTaskType(type: string): string {
  if (!taskTypeFormat.test(type)) throw new RangeError(`expected a task type like INDEX_REBUILD, got ${type}`);
  const queue = type.toLowerCase().replaceAll('_', '-');
  if (reserved.includes(queue)) throw new RangeError(`task type ${type} would use the reserved queue ${queue}`);
  return queue;
}

/** `index-rebuild` → `INDEX_REBUILD`; null for the queues that carry no tasks, and for names no task type has. */
export function taskTypeOfQueue(queue: string): string | null {
  if (reserved.includes(queue) || !queueFormat.test(queue)) return null;
  return queue.toUpperCase().replaceAll('-', '_');
}
