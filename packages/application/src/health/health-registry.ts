import type { HealthStore, Signal } from '../ports/index.ts';
import { isTargetModule } from './built-in-modules.ts';
import { type HealthStatus, healthStatuses, type ModuleHealth, type Probe, type ProbeAnswer } from './health.ts';

export interface HealthReport {
  readonly status: HealthStatus;
  /** Worst first, then by name. */
  readonly modules: readonly ModuleHealth[];
  readonly checkedAt: Date;
}

/**
 * Runs every registered probe in the background and keeps its last answer, so that asking for the report touches neither
 * Redis nor a target. A probe that rejects or exceeds `limitMs` is UNHEALTHY: not knowing is not healthy.
 */
export class HealthRegistry {
  readonly #probes = new Map<string, Probe>();
  readonly #latest = new Map<string, ModuleHealth & ProbeAnswer>();
  readonly #store: Pick<HealthStore, 'listSignals'>;
  readonly #now: () => Date;
  readonly #ledgerNow: () => Promise<Date>;
  readonly #limitMs: number;

  /** `now` says when a probe was asked, also while the ledger is away; how long a signal lives is for `ledgerNow` to say. */
  constructor(options: {
    readonly store: Pick<HealthStore, 'listSignals'>;
    readonly now: () => Date;
    readonly ledgerNow: () => Promise<Date>;
    readonly limitMs: number;
  }) {
    this.#store = options.store;
    this.#now = options.now;
    this.#ledgerNow = options.ledgerNow;
    this.#limitMs = options.limitMs;
  }

  /** Any module may register; registering a name again replaces its probe. Returns the unregisterer. */
  registerProbe(module: string, probe: Probe): () => void {
    this.#probes.set(module, probe);
    return () => {
      if (this.#probes.get(module) === probe) {
        this.#probes.delete(module);
        this.#latest.delete(module);
      }
    };
  }

  /** Asks every probe once. */
  async refresh(): Promise<void> {
    await Promise.all([...this.#probes].map(([module, probe]) => this.#ask(module, probe)));
  }

  /** What a probe said last; undefined before its first answer. Asks nobody. */
  latest(module: string): ProbeAnswer | undefined {
    return this.#latest.get(module);
  }

  /** The report: last answers of the probes, the signals of modules while they live, and what workers saw of targets. */
  async report(): Promise<HealthReport> {
    const pushed = await this.#signals();
    const modules = [...this.#latest.values(), ...pushed].sort(
      (a, b) => rank(b.status) - rank(a.status) || a.module.localeCompare(b.module),
    );
    return { status: modules[0]?.status ?? 'UNHEALTHY', modules, checkedAt: this.#now() };
  }

  async #signals(): Promise<readonly ModuleHealth[]> {
    try {
      const [signals, now] = await Promise.all([this.#store.listSignals(), this.#ledgerNow()]);
      return signals.flatMap((signal) => healthOf(signal, now) ?? []);
    } catch {
      return []; // the ledger's own probe says what is wrong
    }
  }

  async #ask(module: string, probe: Probe): Promise<void> {
    const answer = await withLimit(probe, this.#limitMs);
    if (this.#probes.get(module) === probe) this.#latest.set(module, { module, ...answer, checkedAt: this.#now() });
  }
}

/** What a signal still says: that of a module past its time is over, that of a target means that no worker looks any more. */
function healthOf({ module, status, message, at, expiresAt }: Signal, now: Date): ModuleHealth | undefined {
  if (expiresAt > now) return { module, status, message, checkedAt: at };
  if (!isTargetModule(module)) return undefined;
  const unseen = `not looked at since ${at.toISOString()}; last seen: ${message}`;
  return { module, status: 'UNHEALTHY', message: unseen, checkedAt: at };
}

function rank(status: HealthStatus): number {
  return healthStatuses.indexOf(status);
}

async function withLimit(probe: Probe, limitMs: number): Promise<ProbeAnswer> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<ProbeAnswer>((resolve) => {
    timer = setTimeout(() => resolve({ status: 'UNHEALTHY', message: `no answer within ${limitMs} ms` }), limitMs);
  });
  try {
    return await Promise.race([probe(), limit]);
  } catch (error) {
    return { status: 'UNHEALTHY', message: error instanceof Error ? error.message : 'probe failed' };
  } finally {
    clearTimeout(timer);
  }
}
