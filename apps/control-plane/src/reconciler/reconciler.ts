import { createReconciler, type Repair, repairKinds, startLoop, type TaskTypeCatalog } from '@slacktide/application';
import type { DispatchRepairs } from '@slacktide/application/ports';
import type { LedgerConnection } from '@slacktide/ledger';
import type { Logger, Metrics } from '@slacktide/telemetry';
import { countEnd } from '../dispatcher/finalise.ts';
import { fireOverdue } from './fire-overdue.ts';

export interface ReconcilerDeps extends Pick<LedgerConnection, 'ledger' | 'executions' | 'reconciliation'> {
  readonly taskTypes: TaskTypeCatalog;
  readonly repairs: DispatchRepairs;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

/** How long Redis may be wrong before somebody looks. In milliseconds. */
const passEveryMs = 2_500;
/** Ids told in a line of the log; how many there were is told besides. */
const toldAtMost = 20;

export interface RunningReconciler {
  stop(): Promise<void>;
}

/** The role `reconciler`: sees every few seconds that Redis holds what the ledger wants. Any number may run; each pass has one leader. */
export function startReconciler(deps: ReconcilerDeps): RunningReconciler {
  const { logger, metrics } = deps;
  for (const kind of repairKinds) metrics.reconcilerRepairs.inc({ kind }, 0);
  const onRepair = ({ kind, ids }: Repair): void => {
    metrics.reconcilerRepairs.inc({ kind }, ids.length);
    logger.warn({ repair: kind, count: ids.length, ids: ids.slice(0, toldAtMost) }, 'repaired');
  };
  let isRedisAway = false;
  const reconciler = createReconciler({
    ...deps,
    fireOverdue: (limit) => fireOverdue(deps, limit),
    onRepair,
    onFinalised: (job) => countEnd(metrics, job),
    onError: (err, what) => logger.warn({ err, what }, 'could not be repaired; it will be tried again'),
  });
  const loop = startLoop({
    everyMs: passEveryMs,
    run: async () => {
      const endTimer = metrics.reconcilerPassSeconds.startTimer();
      const pass = await reconciler.pass();
      if (pass.kind === 'led_elsewhere') return;
      endTimer();
      if (pass.isRedisAway !== isRedisAway) {
        logger.info(pass.isRedisAway ? 'Redis is away: only the ledger is looked after' : 'Redis is back: reconciling');
      }
      isRedisAway = pass.isRedisAway;
      if (pass.hasMore) loop.wake();
    },
    onError: (err) => logger.warn({ err, loop: 'reconciler' }, 'background work failed; it will be tried again'),
  });
  return { stop: () => loop.stop() };
}
