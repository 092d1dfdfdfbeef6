import type { Consumers } from './consume-queues.ts';

/** Whether this process takes work, and why not. */
export class Intake {
  readonly #consumers: Pick<Consumers, 'pause' | 'resume'>;
  readonly #onChange: (closedBecause: string | undefined) => void;
  #closedBecause: string | undefined;
  #draining = false;

  /** `onChange` is told when the intake closes (why) or opens (undefined). */
  constructor(consumers: Pick<Consumers, 'pause' | 'resume'>, onChange: (closedBecause: string | undefined) => void) {
    this.#consumers = consumers;
    this.#onChange = onChange;
  }

  /** Undefined while work is taken. */
  get closedBecause(): string | undefined {
    return this.#draining ? 'draining' : this.#closedBecause;
  }

  /** Closes while there is a complaint, opens when it is cured. */
  heed(complaint: string | undefined): void {
    if (this.#draining) return;
    const changed = (complaint === undefined) !== (this.#closedBecause === undefined);
    this.#closedBecause = complaint;
    if (!changed) return;
    if (complaint === undefined) this.#consumers.resume();
    else this.#consumers.pause();
    this.#onChange(complaint);
  }

  /** Closes for good; the consumers are for the caller to stop. */
  drain(): void {
    this.#draining = true;
  }
}
