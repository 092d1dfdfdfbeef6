import {
  deadManProbe,
  type HealthRegistry,
  latenessProbe,
  ledgerProbe,
  neglectedTasksProbe,
  outboxProbe,
  queueProbe,
  workersProbe,
} from '@slacktide/application';
import type { HealthStore, LedgerReader, OutboxQueue, Reconciliation } from '@slacktide/application/ports';
import type { Dispatch } from '@slacktide/dispatch';

export interface ProbeDeps {
  readonly healthStore: HealthStore;
  readonly dispatch: Dispatch;
  readonly ledger: Pick<LedgerReader, 'now'>;
  readonly reconciliation: Reconciliation;
  readonly outbox: Pick<OutboxQueue, 'backlog'>;
}

/**
 * Registers the built-in probes: ledger, Redis, each queue, workers, schedule lateness, ticks that stopped, tasks that wait for somebody, what was
 * not relayed. Targets
 * report by signals of the workers.
 */
export function registerBuiltInProbes(registry: HealthRegistry, deps: ProbeDeps): void {
  const { dispatch, healthStore, ledger, outbox, reconciliation } = deps;
  const now = () => ledger.now();
  registry.registerProbe('ledger', ledgerProbe(healthStore));
  registry.registerProbe('redis', dispatch.redisProbe);
  registry.registerProbe('workers', workersProbe(healthStore, now));
  registry.registerProbe('schedules', latenessProbe(healthStore));
  registry.registerProbe('ticks', deadManProbe(reconciliation, now));
  registry.registerProbe('tasks', neglectedTasksProbe(reconciliation));
  registry.registerProbe('outbox', outboxProbe(outbox));
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
