import { longestClockSkewMs } from '@slacktide/domain';

/** A round trip that took longer tells too little: the ledger's time may be from anywhere within it. */
const longestRoundTripMs = 1_000;

/**
 * How far this process's clock is off the ledger's, measured every few seconds. A process that is off by more than two seconds takes no work: it
 * would judge windows, delays and the age of what it reads by a wrong clock. While the ledger is away the last verdict stands.
 */
export class ClockWatch {
  readonly #now: () => Date;
  readonly #process: string;
  #skewMs = 0;
  /** The ledger's time, and `performance.now()` at that moment. */
  #anchor: { readonly ledgerMs: number; readonly atMs: number };

  /** `now` is the process's own clock; `process` is what a complaint calls it. */
  constructor(now: () => Date, process: 'control plane' | 'worker') {
    this.#now = now;
    this.#process = process;
    this.#anchor = { ledgerMs: now().getTime(), atMs: performance.now() };
  }

  /** This clock minus the ledger's, in milliseconds, as seen last. */
  get skewMs(): number {
    return this.#skewMs;
  }

  /** The ledger's time, in milliseconds since 1970: the last one seen, carried on by the monotonic clock, whatever is done to this one. */
  get ledgerNowMs(): number {
    return this.#anchor.ledgerMs + performance.now() - this.#anchor.atMs;
  }

  /** Why no work is to be taken; undefined when the clock is right. */
  get complaint(): string | undefined {
    if (Math.abs(this.#skewMs) <= longestClockSkewMs) return undefined;
    const seconds = Math.round(Math.abs(this.#skewMs) / 100) / 10;
    return `the clock of this ${this.#process} is ${seconds} s ${this.#skewMs > 0 ? 'ahead of' : 'behind'} the ledger's`;
  }

  /** Asks the ledger for its time, and compares it with ours at the middle of the round trip. */
  async measure(ask: () => Promise<Date>): Promise<void> {
    const sentAt = this.#now();
    const sentAtMs = performance.now();
    const theirs = await ask();
    const roundTripMs = performance.now() - sentAtMs;
    if (roundTripMs > longestRoundTripMs) return;
    this.#anchor = { ledgerMs: theirs.getTime(), atMs: sentAtMs + roundTripMs / 2 };
    this.#skewMs = Math.round(sentAt.getTime() + roundTripMs / 2 - theirs.getTime());
  }
}
