import type { Json, JsonObject } from '@slacktide/domain';
import type { PlannedStep, StepOutcome, StepProgress, StepRecord } from '../ports/index.ts';
import { withinMs } from './bounded.ts';

/** That a step is over is written soon, for nobody to do it again; not at once, for the last one's end is written with the task's. */
const endSoonMs = 100;

/** Keeps the steps of one task as the ledger shall show them, and writes changes at most every `everyMs`. */
export class StepJournal {
  #records: Map<string, StepRecord>;
  readonly #plan: readonly PlannedStep[];
  readonly #write: (steps: readonly StepRecord[], percent: number | null) => Promise<unknown>;
  readonly #everyMs: number;
  readonly #doneBefore: ReadonlySet<string>;
  #changed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #dueAtMs = 0;
  #writing: Promise<unknown> = Promise.resolve();

  constructor(
    plan: readonly PlannedStep[],
    write: (steps: readonly StepRecord[], percent: number | null) => Promise<unknown>,
    everyMs: number,
    /** Steps that earlier attempts saw through: their records are left as they are. */
    doneBefore: ReadonlySet<string> = new Set(),
  ) {
    this.#plan = plan;
    this.#write = write;
    this.#everyMs = everyMs;
    this.#doneBefore = doneBefore;
    this.#records = new Map(plan.map((step, position) => [step.key, pendingRecord(step, position)]));
    for (const key of doneBefore) this.#records.delete(key);
    for (const key of this.#records.keys()) this.#changed.add(key);
  }

  /** Starts a step that no plan knows of, e.g. a pause: it stands after the plan's, and counts for no percentage. */
  add(
    step: { readonly key: string; readonly position: number } & Pick<StepRecord, 'phase' | 'reason' | 'result'>,
    at: Date,
  ): void {
    if (this.#plan.some(({ key }) => key === step.key)) throw new Error(`the plan has a step ${step.key}`);
    this.#records.set(step.key, { ...unplanned, ...step, state: 'RUNNING', startedAt: at });
    this.#changed.add(step.key);
    this.#schedule(0);
  }

  /** What a running step has come to so far. */
  tell(key: string, result: JsonObject): void {
    this.#update(key, { result });
    this.#schedule(this.#everyMs);
  }

  start(key: string, at: Date): void {
    this.#update(key, { state: 'RUNNING', startedAt: at });
    this.#schedule(0);
  }

  progress(key: string, update: StepProgress): void {
    this.#update(key, { phase: update.phase, percent: update.percent, etaSeconds: update.etaSeconds });
    this.#schedule(this.#everyMs);
  }

  end(key: string, outcome: StepOutcome, at: Date): void {
    this.#update(key, { ...endOf(outcome), phase: null, etaSeconds: null, finishedAt: at });
    this.#schedule(Math.min(endSoonMs, this.#everyMs));
  }

  /** Ends every step that is not over: running ones are CANCELLED, waiting ones SKIPPED. */
  endRest(reason: string, at: Date): void {
    for (const record of this.#records.values()) {
      if (record.state === 'RUNNING')
        this.#update(record.key, { state: 'CANCELLED', reason, finishedAt: at, phase: null, etaSeconds: null });
      if (record.state === 'PENDING') this.#update(record.key, { state: 'SKIPPED', reason, finishedAt: at });
    }
  }

  get steps(): readonly StepRecord[] {
    return [...this.#records.values()];
  }

  /** Percent of the whole task: finished steps plus the share of the running one, weighed by size where every size is known. */
  get percent(): number | null {
    if (this.#plan.length === 0) return null;
    const sized = this.#plan.every((step) => step.sizeBytes !== null);
    const weightOf = (step: PlannedStep): number => (sized ? Math.max(step.sizeBytes ?? 1, 1) : 1);
    const total = this.#plan.reduce((sum, step) => sum + weightOf(step), 0);
    const done = this.#plan.reduce((sum, step) => {
      const state = this.#doneBefore.has(step.key) ? 'SUCCEEDED' : this.#records.get(step.key)?.state;
      return state === undefined || state === 'PENDING' || state === 'RUNNING' ? sum : sum + weightOf(step);
    }, 0);
    return Math.floor((100 * done) / total);
  }

  /**
   * Writes what changed, now; false = the right to act is gone. Rejects when it could not be written: it is then kept for the next write.
   */
  async flush(): Promise<boolean> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const writing = this.#writing.then(() => this.#writeChanges());
    this.#writing = writing.catch(() => undefined);
    return await writing;
  }

  /** Stops the timer and waits up to `limitMs` for the write in flight; what changed since is left to the caller's final write. */
  async close(limitMs = 5_000): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One that comes later is refused by its fence, or says what the final write says.
    await withinMs(limitMs, this.#writing).catch(() => undefined);
  }

  #update(key: string, change: Partial<StepRecord>): void {
    const record = this.#records.get(key);
    if (record === undefined) throw new Error(`no step ${key} in the plan`);
    this.#records.set(key, { ...record, ...change });
    this.#changed.add(key);
  }

  #schedule(delayMs: number): void {
    const dueAtMs = performance.now() + delayMs;
    if (this.#timer !== undefined && this.#dueAtMs <= dueAtMs) return;
    clearTimeout(this.#timer);
    this.#dueAtMs = dueAtMs;
    // Progress is a courtesy: losing one write must not end the work; the lease's renewal decides that.
    this.#timer = setTimeout(() => void this.flush().catch(() => undefined), delayMs);
  }

  async #writeChanges(): Promise<boolean> {
    const keys = this.#changed;
    if (keys.size === 0) return true;
    this.#changed = new Set();
    try {
      const steps = [...keys].flatMap((key) => this.#records.get(key) ?? []);
      return (await this.#write(steps, this.percent)) !== false;
    } catch (error) {
      this.#changed = new Set([...keys, ...this.#changed]);
      throw error;
    }
  }
}

const unplanned = {
  state: 'PENDING',
  reason: null,
  object: null,
  statement: null,
  phase: null,
  percent: null,
  etaSeconds: null,
  result: null,
  error: null,
  startedAt: null,
  finishedAt: null,
} as const;

function pendingRecord(step: PlannedStep, position: number): StepRecord {
  return {
    ...unplanned,
    key: step.key,
    position,
    object: step.object.schema === null ? step.object.name : `${step.object.schema}.${step.object.name}`,
    statement: step.statements.join(';\n'),
    etaSeconds: step.expectedSeconds,
  };
}

function endOf(outcome: StepOutcome): Partial<StepRecord> {
  switch (outcome.kind) {
    case 'done':
      return { state: 'SUCCEEDED', result: outcome.result, percent: 100, ...auditOf(outcome) };
    case 'skipped':
      return { state: 'SKIPPED', reason: outcome.reason, result: (outcome.result ?? null) as Json, percent: null };
    case 'failed':
      return { state: 'FAILED', error: outcome.error, percent: null, ...auditOf(outcome) };
  }
}

function auditOf({ audit }: StepOutcome & { kind: 'done' | 'failed' }): Pick<StepRecord, 'audit'> {
  return audit === undefined ? {} : { audit };
}
