import type { TimerSpec } from '../ports/index.ts';
import type { ReconcileDeps } from './reconcile-deps.ts';

type Deps = Pick<ReconcileDeps, 'reconciliation' | 'repairs' | 'onRepair' | 'onError'>;

/** What is in memory at a time; in Redis a page is one pipeline. */
const pageSize = 500;
/**
 * While there are as many timers as schedules, each is looked at this often only: ticks of one that went wrong are late by a pass or two, since
 * overdue schedules are fired without it.
 */
const thoroughlyEveryMs = 30_000;

/**
 * Sees that every enabled schedule has its timer in Redis, with its cron, its zone and a tick to come, and nobody else has one. Counting is all it does
 * while nothing is wrong.
 */
export class TimerComparison {
  readonly #deps: Deps;
  #lastMs = Number.NEGATIVE_INFINITY;

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  async compare(): Promise<void> {
    const { reconciliation, repairs } = this.#deps;
    const [schedules, timers] = await Promise.all([reconciliation.countTimers(), repairs.countTimers()]);
    if (schedules === timers && performance.now() - this.#lastMs < thoroughlyEveryMs) return;
    const enabled = await this.#setStale(timers === 0);
    await this.#removeUnwanted(enabled);
    this.#lastMs = performance.now();
  }

  /** Resolves with the ids of all enabled schedules. */
  async #setStale(isEmpty: boolean): Promise<ReadonlySet<string>> {
    const enabled = new Set<string>();
    let after: string | null = null;
    do {
      const page: readonly TimerSpec[] = await this.#deps.reconciliation.listTimers({ after, limit: pageSize });
      for (const { id } of page) enabled.add(id);
      const stale = isEmpty ? page : await this.#deps.repairs.findStaleTimers(page);
      if (stale.length > 0) await this.#set(stale);
      after = page.length < pageSize ? null : (page.at(-1)?.id ?? null);
    } while (after !== null);
    return enabled;
  }

  async #set(stale: readonly TimerSpec[]): Promise<void> {
    const failed = await this.#deps.repairs.setTimers(stale);
    for (const { scheduleId, message } of failed) {
      this.#deps.onError(new Error(message), `set the timer of schedule ${scheduleId}`);
    }
    const notSet = new Set(failed.map(({ scheduleId }) => scheduleId));
    const ids = stale.map(({ id }) => id).filter((id) => !notSet.has(id));
    if (ids.length > 0) this.#deps.onRepair({ kind: 'timer_set', ids });
  }

  async #removeUnwanted(enabled: ReadonlySet<string>): Promise<void> {
    const suspects = (await this.#deps.repairs.listTimers()).filter((id) => !enabled.has(id));
    if (suspects.length === 0) return;
    // Asked again, after Redis was read: a schedule enabled meanwhile keeps its timer.
    const wanted = new Set(await this.#deps.reconciliation.listWantedTimers(suspects));
    const ids = suspects.filter((id) => !wanted.has(id));
    await this.#deps.repairs.removeTimers(ids);
    if (ids.length > 0) this.#deps.onRepair({ kind: 'timer_removed', ids });
  }
}
