/** Told of what went wrong in the background. `source` is a queue's name, or `redis`. */
export type OnError = (error: Error, source: string) => void;

/** How long the same message stays untold, in milliseconds. */
const quietMs = 10_000;

/**
 * Passes each fault on once. Every queue and worker repeats the faults of the one connection they share, and every
 * blocking connection has its own of the same: an outage would be some fifty lines a second.
 */
export function withoutRepeats(onError: OnError, clockMs: () => number = () => performance.now()): OnError {
  const told = new WeakSet<Error>();
  const lastToldMs = new Map<string, number>();
  return (error, source) => {
    if (told.has(error)) return;
    told.add(error);
    const now = clockMs();
    for (const [message, at] of lastToldMs) if (now - at >= quietMs) lastToldMs.delete(message);
    if (lastToldMs.has(error.message)) return;
    lastToldMs.set(error.message, now);
    onError(error, source);
  };
}
