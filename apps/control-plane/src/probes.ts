import { type HealthRegistry, latenessProbe, ledgerProbe, queueProbe, workersProbe } from '@slacktide/application';
import type { HealthStore } from '@slacktide/application/ports';
import type { Dispatch } from '@slacktide/dispatch';

/** Registers the built-in probes: ledger, Redis, each queue, workers, schedule lateness. Targets report by signals of the workers. */
export function registerBuiltInProbes(
  registry: HealthRegistry,
  deps: { readonly healthStore: HealthStore; readonly dispatch: Dispatch; readonly now: () => Date },
): void {
  const { dispatch, healthStore, now } = deps;
  registry.registerProbe('ledger', ledgerProbe(healthStore));
  registry.registerProbe('redis', dispatch.redisProbe);
  registry.registerProbe('workers', workersProbe(healthStore, now));
  registry.registerProbe('schedules', latenessProbe(healthStore));
  for (const { name } of dispatch.queues) {
    registry.registerProbe(
      `queue:${name}`,
      queueProbe(async () => {
        const figures = (await dispatch.queueFigures()).find(({ queue }) => queue === name);
        if (figures === undefined) throw new Error(`no figures of ${name}`);
        return figures;
      }),
    );
  }
}
