/** One server or app that runs for as long as the stack does. */
interface Part {
  exited: Promise<string>;
  logTail(): string;
}

/** Knows what was started: stops it in the opposite order, and tells when a part ended that nobody stopped. */
export interface Supervisor extends AsyncDisposable {
  /** `stop` is called in the end, after the parts started later have stopped. */
  keep(name: string, part: Part, stop: () => Promise<void>): void;
  /** Something else to be done in the end, in the same order. */
  defer(cleanup: () => void): void;
  /** Rejects when a part ends by itself, with its name and the end of its log. */
  failed: Promise<never>;
}

export function supervisor(): Supervisor {
  const started = new AsyncDisposableStack();
  const failed = Promise.withResolvers<never>();
  // A failure nobody waits for yet, or any more, is not an unhandled one.
  failed.promise.catch(() => undefined);
  return {
    keep: (name, part, stop) => {
      started.defer(stop);
      void part.exited.then((how) => failed.reject(endedUnexpectedly(name, how, part.logTail())));
    },
    defer: (cleanup) => started.defer(cleanup),
    failed: failed.promise,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/** The error that names the part, how it ended, and the end of its log. */
export function endedUnexpectedly(name: string, how: string, logTail: string): Error {
  return new Error(`${name} ended unexpectedly (${how}). The end of its log:\n${logTail}`);
}
