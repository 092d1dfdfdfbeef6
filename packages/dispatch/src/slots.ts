/** A process's places for work: at most `size` taken at once, given in the order they were asked for. */
export class Slots {
  readonly size: number;
  #taken = 0;
  #closed = false;
  readonly #waiting: ((given: boolean) => void)[] = [];

  constructor(size: number) {
    if (!Number.isSafeInteger(size) || size < 1)
      throw new RangeError(`expected a positive number of slots, got ${size}`);
    this.size = size;
  }

  /** Places taken now. */
  get taken(): number {
    return this.#taken;
  }

  /** Takes a place if one is free and nobody waits for it. */
  tryTake(): boolean {
    if (this.#closed || this.#taken >= this.size) return false;
    this.#taken += 1;
    return true;
  }

  /** Waits for a place; false when the slots were closed. */
  async take(): Promise<boolean> {
    if (this.#closed) return false;
    if (this.tryTake()) return true;
    return await new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a place back, to who has waited longest. */
  free(): void {
    if (this.#taken === 0) throw new Error('no slot is taken');
    const next = this.#waiting.shift();
    if (next === undefined) this.#taken -= 1;
    else next(true); // the place changes hands
  }

  /** From now on nobody gets a place; who waits for one is sent away. */
  close(): void {
    this.#closed = true;
    for (const send of this.#waiting.splice(0)) send(false);
  }
}
