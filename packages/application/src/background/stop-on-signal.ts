/**
 * Stops a process in order on SIGTERM or SIGINT, and when `parentWatch` is set also when the process that started it goes
 * away. `stop` gets `deadlineMs`; after it the process ends all the same, with status 1. A second signal changes nothing.
 */
export function stopOnSignal(options: {
  readonly stop: (why: string) => Promise<void>;
  readonly deadlineMs: number;
  readonly parentWatch: boolean;
  readonly onLate: () => void;
}): void {
  let stopping = false;
  const begin = (why: string): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      options.onLate();
      process.exit(1);
    }, options.deadlineMs).unref();
    options.stop(why).then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  process.on('SIGTERM', () => begin('SIGTERM'));
  process.on('SIGINT', () => begin('SIGINT'));
  if (options.parentWatch) {
    process.on('disconnect', () => begin('the launcher went away'));
    if (!process.connected) begin('the launcher is gone');
  }
}
