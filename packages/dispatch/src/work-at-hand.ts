/** Work of a process that has begun and is not over, whatever became of telling Redis so. */
export class WorkAtHand {
  #count = 0;
  readonly #waiting: (() => void)[] = [];

  /** Runs work, and counts it meanwhile. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#count += 1;
    try {
      return await work();
    } finally {
      this.#count -= 1;
      if (this.#count === 0) for (const resolve of this.#waiting.splice(0)) resolve();
    }
  }

  /** Resolves when there is none. */
  async whenOver(): Promise<void> {
    if (this.#count > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
