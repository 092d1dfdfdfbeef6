/** Work that repeats in the background of a process. */
export interface Loop {
  /** Runs as soon as possible instead of at the next interval; again afterwards when it is running now. */
  wake(): void;
  /** Stops for good and waits for the run in hand. */
  stop(): Promise<void>;
}

/**
 * Runs `run` at once and then every `everyMs` after the last one ended: runs never overlap, and one that rejects is told
 * to `onError` and does not end the loop.
 */
export function startLoop(options: {
  readonly everyMs: number;
  readonly run: () => Promise<unknown>;
  readonly onError: (error: unknown) => void;
}): Loop {
  let stopped = false;
  let woken = false;
  let timer: NodeJS.Timeout | undefined;
  let inHand: Promise<void> | undefined;

  const turn = (): void => {
    clearTimeout(timer);
    woken = false;
    inHand = options
      .run()
      .then(() => undefined, options.onError)
      .finally(() => {
        inHand = undefined;
        if (!stopped) timer = setTimeout(turn, woken ? 0 : options.everyMs);
      });
  };
  turn();
  return {
    wake() {
      if (stopped) return;
      if (inHand === undefined) turn();
      else woken = true;
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await inHand;
    },
  };
}
