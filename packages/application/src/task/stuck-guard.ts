import type { LeaseTimes } from './lease-times.ts';
import type { AbortReason } from './task-abort.ts';

/**
 * Ends the process when work on a target goes on though it was told to stop. A worker that cannot prove that it stopped must not be there any
 * more when another may start (law 6); its sessions end with it, and what it had in hand is recovered by others.
 *
 *   lease lost              → within `stopGraceMs`, which ends before the lease does
 *   every other reason      → within `stopLimitMs`
 */
export class StuckGuard {
  readonly #times: Pick<LeaseTimes, 'stopGraceMs' | 'stopLimitMs'>;
  readonly #exit: (why: string) => void;
  #working = 0;
  #told: { readonly reason: AbortReason; readonly deadlineMs: number } | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `exit` ends the process at once; it must not wait for anything. */
  constructor(times: Pick<LeaseTimes, 'stopGraceMs' | 'stopLimitMs'>, exit: (why: string) => void) {
    this.#times = times;
    this.#exit = exit;
  }

  /** Runs what acts on a target; it has stopped when this settles. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#working += 1;
    this.#arm();
    try {
      return await work();
    } finally {
      this.#working -= 1;
      if (this.#working === 0) clearTimeout(this.#timer);
    }
  }

  /** The work was told to stop; of several reasons the one with the least time counts. */
  told(reason: AbortReason): void {
    const { stopGraceMs, stopLimitMs } = this.#times;
    const deadlineMs = performance.now() + (reason === 'lease_lost' ? stopGraceMs : stopLimitMs);
    if (this.#told !== undefined && this.#told.deadlineMs <= deadlineMs) return;
    this.#told = { reason, deadlineMs };
    this.#arm();
  }

  #arm(): void {
    if (this.#told === undefined || this.#working === 0) return;
    const { reason, deadlineMs } = this.#told;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => this.#exit(`work on a target did not stop in time after: ${reason}`),
      Math.max(0, deadlineMs - performance.now()),
    );
  }
}
