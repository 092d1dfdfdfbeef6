import type { Deps } from '../deps.ts';
import type { RequestContext } from '../ports/index.ts';
import { type FiredBatch, fireDueTicks } from './fire-due-ticks.ts';
import type { TickTrace } from './tick-trace.ts';

/** What a timer's wake-up led to. */
export type TickAnswer =
  /** Its tick has its rows now. */
  | { readonly kind: 'fired' }
  /** The timer was early by the ledger's clock. */
  | { readonly kind: 'not_due'; readonly dueInMs: number }
  /** Disabled, deleted, or the tick has its rows already. */
  | { readonly kind: 'nothing' }
  /** Somebody else is writing it at this moment, or changing the schedule: ask again. */
  | { readonly kind: 'elsewhere' };

/** A timer's wake-up. */
export interface Wake {
  readonly scheduleId: string;
  /** The due time the timer stands for; null when it does not say. */
  readonly dueAt: Date | null;
  readonly trace: TickTrace;
}

export interface TickQueueDeps extends Pick<Deps, 'ledger' | 'taskTypes'> {
  readonly ctx: () => RequestContext;
  /** Told of every batch: it may hold ticks whose timers have not called yet. */
  readonly onBatch: (batch: FiredBatch) => void;
  /** Schedules of one transaction. Default 500: about a tenth of a second. */
  readonly batchSize?: number;
}

interface Waiting {
  readonly wake: Wake;
  readonly answer: PromiseWithResolvers<TickAnswer>;
}

/**
 * Gathers the wake-ups of timers, so that thousands due in one second are a few batches instead of a transaction each:
 *
 *   wake-ups come in → one look at when they are due → batches of all that is due, until each of them is answered
 *                      meanwhile the next ones gather
 */
export class TickQueue {
  readonly #deps: TickQueueDeps;
  readonly #batchSize: number;
  #gathered: Waiting[] = [];
  #isWorking = false;

  constructor(deps: TickQueueDeps) {
    this.#deps = deps;
    this.#batchSize = deps.batchSize ?? 500;
  }

  /** Resolves when the tick is written, or need not be. Rejects when that failed. */
  fire(wake: Wake): Promise<TickAnswer> {
    const answer = Promise.withResolvers<TickAnswer>();
    this.#gathered.push({ wake, answer });
    void this.#work();
    return answer.promise;
  }

  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    // Let those that come in the same turn in as well.
    await Promise.resolve();
    while (this.#gathered.length > 0) {
      const wave = this.#gathered;
      this.#gathered = [];
      await this.#answer(wave).catch((error: unknown) => {
        for (const { answer } of wave) answer.reject(error);
      });
    }
    this.#isWorking = false;
  }

  async #answer(wave: readonly Waiting[]): Promise<void> {
    const { ledger } = this.#deps;
    const { now, nextDueAt } = await ledger.schedules.dueTimes(wave.map(({ wake }) => wake.scheduleId));
    const due = new Map<string, Waiting[]>();
    for (const waiting of wave) {
      const { scheduleId, dueAt } = waiting.wake;
      const next = nextDueAt.get(scheduleId) ?? null;
      if (next !== null && next <= now) due.set(scheduleId, [...(due.get(scheduleId) ?? []), waiting]);
      else waiting.answer.resolve(answerToEarly(next, dueAt, now));
    }
    await this.#fireUntilAnswered(due);
    for (const waiting of [...due.values()].flat()) waiting.answer.resolve({ kind: 'elsewhere' });
  }

  async #fireUntilAnswered(due: Map<string, Waiting[]>): Promise<void> {
    const traceOf = (id: string) => due.get(id)?.[0]?.wake.trace;
    const take = (id: string): Waiting[] => {
      const waiting = due.get(id) ?? [];
      due.delete(id);
      return waiting;
    };
    while (due.size > 0) {
      const batch = await fireDueTicks(this.#deps, this.#deps.ctx(), this.#batchSize, { traceOf });
      this.#deps.onBatch(batch);
      for (const { scheduleId } of batch.fired) {
        for (const { answer } of take(scheduleId)) answer.resolve({ kind: 'fired' });
      }
      for (const { scheduleId, error } of batch.failed) {
        for (const { answer } of take(scheduleId)) answer.reject(error);
      }
      // What is left is in the hands of others, or waits behind what fails again and again.
      if (!batch.more) break;
    }
  }
}

/** A timer whose due time the ledger has passed by is done; one that is ahead of the ledger's clock comes again. */
function answerToEarly(next: Date | null, dueAt: Date | null, now: Date): TickAnswer {
  if (next === null || dueAt === null || next > dueAt) return { kind: 'nothing' };
  return { kind: 'not_due', dueInMs: next.getTime() - now.getTime() };
}
