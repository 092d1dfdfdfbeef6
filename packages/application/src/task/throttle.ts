import {
  type JsonObject,
  judgeLoad,
  type LoadExcess,
  type LoadFigures,
  type LoadJudgement,
  type LoadLimit,
  type LoadReading,
  loadReason,
  type ThrottleLimits,
  walRateSpanMs,
} from '@slacktide/domain';
import { pause, untilAborted } from './bounded.ts';

/** The monotonic clock that pauses go by. */
export interface ThrottleClock {
  readonly nowMs: () => number;
  readonly sleep: (ms: number) => Promise<void>;
}
export const realClock: ThrottleClock = { nowMs: () => performance.now(), sleep: pause };

/** From one look at the load to the next while it is waited for. */
export const defaultPollMs = 2_000;
/** Readings are kept so long: a standby that stands still is found out by them. */
const keepReadingsMs = 600_000;

/** A pause that is being written down; ends with what came of it. */
export interface PauseRecord {
  tell(result: JsonObject): void;
  end(result: JsonObject): void;
}

/** `paused` = time went by: what held before is to be asked again. */
export interface Waited {
  readonly verdict: 'go' | 'overloaded';
  readonly paused: boolean;
}

/**
 * Keeps one task's work waiting while its target is under more load than `limits` allow. Each wait is a pause, written down with its reasons;
 * one that outlasts `max_pause_seconds` ends the work for this time, and so does a session that waits for us: waiting longer would not free it.
 */
export class Throttle {
  readonly #limits: ThrottleLimits;
  readonly #read: () => Promise<LoadFigures>;
  readonly #record: (result: JsonObject) => PauseRecord;
  readonly #signal: AbortSignal;
  readonly #clock: ThrottleClock;
  readonly #pollMs: number;
  #readings: readonly LoadReading[] = [];
  #last: (LoadJudgement & { readonly atMs: number }) | undefined;
  #pauses = 0;
  #waitedMs = 0;
  #isOverloaded = false;

  constructor(options: {
    readonly limits: ThrottleLimits;
    readonly read: () => Promise<LoadFigures>;
    /** Begins the record of a pause. */
    readonly record: (result: JsonObject) => PauseRecord;
    readonly signal: AbortSignal;
    readonly clock?: ThrottleClock;
    /** Default 2 000. */
    readonly pollMs?: number;
  }) {
    this.#limits = options.limits;
    this.#read = options.read;
    this.#record = options.record;
    this.#signal = options.signal;
    this.#clock = options.clock ?? realClock;
    this.#pollMs = options.pollMs ?? defaultPollMs;
  }

  /** Resolves at once while the load is within its limits. Rejects when told to stop, and when the target can be asked no more. */
  async wait(): Promise<Waited> {
    this.#signal.throwIfAborted();
    if (this.#isOverloaded) return { verdict: 'overloaded', paused: false };
    const first = await this.#look();
    if (first.exceeded.length === 0) return { verdict: 'go', paused: false };
    const verdict = await this.#pause(first);
    this.#isOverloaded = verdict === 'overloaded';
    return { verdict, paused: true };
  }

  /** The load outlasted its longest wait: nothing more is to be begun. */
  get isOverloaded(): boolean {
    return this.#isOverloaded;
  }

  /** For the task's result: what was waited for, and what could not be judged; nothing when there was nothing. */
  get result(): JsonObject {
    const unknown = this.#last?.unknown ?? [];
    if (this.#pauses === 0 && unknown.length === 0) return {};
    const told = unknown.map(({ limit, reason, grant }): JsonObject => ({ limit, reason, grant }));
    return { throttle: { pauses: this.#pauses, waited_ms: this.#waitedMs, unknown: told } };
  }

  async #pause(first: LoadJudgement): Promise<'go' | 'overloaded'> {
    const reasons = new Map<LoadLimit, LoadExcess>();
    const startedAtMs = this.#clock.nowMs();
    const resultNow = (ended: JsonObject = {}): JsonObject => ({
      waited_ms: Math.round(this.#clock.nowMs() - startedAtMs),
      reasons: [...reasons.values()].map((excess): JsonObject => ({ ...excess })),
      ...ended,
    });
    const keep = ({ exceeded }: LoadJudgement): void => {
      for (const excess of exceeded) reasons.set(excess.limit, excess);
    };
    keep(first);
    const record = this.#record(resultNow());
    this.#pauses += 1;
    const end = (why: 'load_fell' | 'outlasted' | 'in_the_way'): 'go' | 'overloaded' => {
      this.#waitedMs += Math.round(this.#clock.nowMs() - startedAtMs);
      record.end(resultNow({ ended: why }));
      return why === 'load_fell' ? 'go' : 'overloaded';
    };
    for (let before = first; ; ) {
      const leftMs = this.#limits.max_pause_seconds * 1000 - (this.#clock.nowMs() - startedAtMs);
      if (leftMs <= 0) return end('outlasted');
      await untilAborted(this.#signal, this.#clock.sleep(Math.min(this.#pollMs, leftMs)));
      const now = await this.#look();
      if (now.exceeded.length === 0) return end('load_fell');
      keep(now);
      // Whom we keep waiting, a pause keeps waiting.
      if (isInTheWay(before) && isInTheWay(now)) return end('in_the_way');
      record.tell(resultNow());
      before = now;
    }
  }

  /** A look stands for half a second: units of work may be far shorter. */
  async #look(): Promise<LoadJudgement> {
    const last = this.#last;
    if (last?.exceeded.length === 0 && this.#clock.nowMs() - last.atMs < walRateSpanMs.least) return last;
    let reading = await this.#take();
    if (this.#lacksRate(reading)) {
      await untilAborted(this.#signal, this.#clock.sleep(walRateSpanMs.least));
      reading = await this.#take();
    }
    const judgement = judgeLoad(reading, this.#readings, this.#limits);
    this.#last = { ...judgement, atMs: reading.atMs };
    return judgement;
  }

  async #take(): Promise<LoadReading> {
    const figures = await this.#read();
    const reading = { atMs: this.#clock.nowMs(), ...figures };
    const [latest] = this.#readings;
    const recent = this.#readings.filter(({ atMs }) => reading.atMs - atMs <= keepReadingsMs);
    this.#readings = [reading, ...(recent.length === 0 && latest !== undefined ? [latest] : recent)];
    return reading;
  }

  /** Nothing earlier tells how fast write-ahead log comes now. */
  #lacksRate({ atMs, walBytes }: LoadReading): boolean {
    if (this.#limits.max_wal_mb_per_second === null || walBytes === undefined || walBytes.value === null) return false;
    return !this.#readings.some((earlier) => {
      const ageMs = atMs - earlier.atMs;
      return ageMs >= walRateSpanMs.least && ageMs <= walRateSpanMs.most;
    });
  }
}

function isInTheWay({ exceeded }: LoadJudgement): boolean {
  return exceeded.some(({ limit }) => limit === 'max_waiting_sessions');
}

/** What becomes of the steps that the load left no time for. */
export const leftForLoad = { kind: 'skipped', reason: loadReason } as const;
