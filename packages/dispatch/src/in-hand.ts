/**
 * The deliveries a worker is at, each with its stop button. Known by their token, not by their job: after a Redis that was
 * emptied or stood still, the same process may be delivered a job that it is still at.
 */
export class InHand {
  readonly #deliveries = new Map<string, AbortController>();
  readonly #empty: (() => void)[] = [];

  get size(): number {
    return this.#deliveries.size;
  }

  add(token: string): void {
    this.#deliveries.set(token, new AbortController());
  }

  remove(token: string): void {
    this.#deliveries.delete(token);
    if (this.size === 0) for (const resolve of this.#empty.splice(0)) resolve();
  }

  /** @throws when there is no such delivery. */
  signalOf(token: string): AbortSignal {
    const delivery = this.#deliveries.get(token);
    if (delivery === undefined) throw new Error('no such delivery in hand');
    return delivery.signal;
  }

  abortAll(reason: Error): void {
    for (const controller of this.#deliveries.values()) controller.abort(reason);
  }

  /** Resolves when there is no delivery in hand. */
  async whenEmpty(): Promise<void> {
    if (this.size > 0) await new Promise<void>((resolve) => this.#empty.push(resolve));
  }
}
