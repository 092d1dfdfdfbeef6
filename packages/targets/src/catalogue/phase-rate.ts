/** A look at a phase: `key` is equal as long as it is the same phase of the same work. */
export interface PhaseSample {
  readonly key: string;
  readonly done: number;
  readonly total: number;
  /** Monotonic. */
  readonly atMs: number;
}

/** Fewer looks than this tell no rate. */
const leastSamples = 3;
/** The rate is that of the last so many looks, so that an estimate follows a phase that slows down. */
const mostSamples = 10;

/** Estimates the rest of a phase from its own rate; forgets everything when the phase changes. */
export class PhaseRate {
  #samples: PhaseSample[] = [];

  /** Adds a look. Returns the seconds left in this phase; null while unknown: under three looks, or nothing moved. */
  add(sample: PhaseSample): number | null {
    const last = this.#samples.at(-1);
    const continues =
      last !== undefined && last.key === sample.key && last.total === sample.total && last.done <= sample.done;
    this.#samples = continues ? [...this.#samples.slice(1 - mostSamples), sample] : [sample];
    const first = this.#samples[0];
    if (first === undefined || this.#samples.length < leastSamples) return null;
    const ratePerMs = (sample.done - first.done) / (sample.atMs - first.atMs);
    return ratePerMs > 0 ? Math.ceil((sample.total - sample.done) / ratePerMs / 1000) : null;
  }

  /** The phase has no counter: what comes after it starts afresh. */
  reset(): void {
    this.#samples = [];
  }
}
