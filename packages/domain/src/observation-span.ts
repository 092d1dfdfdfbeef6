/** Counters of one object on one node by name, as one look read them. */
export interface CounterReading {
  /** Another one is another object. */
  readonly oid: number;
  /** Server start, timeline and reset time of the counters: while it is the same, nothing was lost. */
  readonly epoch: string;
  readonly counters: Readonly<Record<string, number>>;
}

/** The contiguous time in which an object's counters were never seen to fall: only of it they tell what happened. */
export interface ObservationSpan extends CounterReading {
  readonly startedAt: Date;
  /** The counters when it began: what they say beyond these happened within. */
  readonly startCounters: Readonly<Record<string, number>>;
}

/**
 * The span after another look at `at`; a new one when counts may have been lost since the look before.
 *
 * A counter that fell was reset. After another epoch the counters may have been kept (a clean restart, the reset of another object) or lost (a crash,
 * a reset, a failover): those that stood at 0 do not tell, so the span ends; those that stood higher and did not fall are taken to have been kept.
 * That is wrong only when, between two looks, they were lost and then all climbed back to where they stood, or those of a server that took over stand as
 * high: by the figures nothing tells this from a clean restart.
 * How long ago the last look was does not matter: counters add up what happened meanwhile.
 */
export function extendSpan(previous: ObservationSpan | undefined, reading: CounterReading, at: Date): ObservationSpan {
  if (previous === undefined || previous.oid !== reading.oid || mayHaveLost(previous, reading)) {
    return { ...reading, startedAt: at, startCounters: reading.counters };
  }
  return {
    ...reading,
    // One that was not read this time is compared with when it is read again; one that is new begins now.
    counters: { ...previous.counters, ...reading.counters },
    startedAt: previous.startedAt,
    startCounters: { ...reading.counters, ...previous.startCounters },
  };
}

function mayHaveLost(previous: ObservationSpan, { counters, epoch }: CounterReading): boolean {
  const stood = (name: string): number => previous.counters[name] ?? 0;
  const values = Object.entries(counters);
  if (values.some(([name, value]) => value < stood(name))) return true;
  return epoch !== previous.epoch && !values.some(([name]) => stood(name) > 0);
}
