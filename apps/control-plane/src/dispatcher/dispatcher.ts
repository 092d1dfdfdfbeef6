import { type ClockWatch, createRelay, type Loop, startLoop, type TaskTypeCatalog } from '@slacktide/application';
import type { HealthStore } from '@slacktide/application/ports';
import { type Consumers, type Dispatch, Intake } from '@slacktide/dispatch';
import type { LedgerConnection } from '@slacktide/ledger';
import type { Logger, Metrics } from '@slacktide/telemetry';
import { countEnd, finaliseDelivery } from './finalise.ts';
import { tickHandler } from './tick.ts';

export interface DispatcherDeps
  extends Pick<LedgerConnection, 'ledger' | 'outbox' | 'history' | 'executions' | 'observations'> {
  readonly taskTypes: TaskTypeCatalog;
  readonly dispatch: Dispatch;
  /** Measured at least once. */
  readonly clock: Pick<ClockWatch, 'complaint'>;
  readonly healthStore: HealthStore;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly retentionHours: number;
}

/** A lost notification costs at most this, and Redis is knocked at this often while it is away. */
const relayPollMs = 1_000;
const historyEveryMs = 10 * 60_000;
/** Days for which partitions are made ahead. */
const daysAhead = 2;
const figuresEveryMs = 5_000;

export interface Dispatcher {
  /**
   * Takes no deliveries while the clock is off, and takes them again afterwards: BullMQ would bring them too early or too late by it. The reconciler
   * fires what is due and ends what is over meanwhile.
   */
  heedClock(): void;
  stop(): Promise<void>;
}

/** The role `dispatcher`: relays the outbox, turns timers into jobs, ends finished jobs, keeps history. Any number may run. */
export async function startDispatcher(deps: DispatcherDeps): Promise<Dispatcher> {
  const { clock, dispatch, history, ledger, logger, metrics, observations, outbox } = deps;
  const loop = (name: string, everyMs: number, run: () => Promise<unknown>): Loop =>
    startLoop({
      everyMs,
      run,
      onError: (err) => logger.warn({ err, loop: name }, 'background work failed; it will be tried again'),
    });

  await history.ensurePartitions(daysAhead);
  const outboxRelay = createRelay({
    ledger,
    outbox,
    executions: deps.executions,
    flows: dispatch.flows,
    ticks: dispatch.tickTimers,
    knock: () => dispatch.knock(),
    onFinalised: (job) => countEnd(metrics, job),
  });
  const relay = loop('relay', relayPollMs, async () => {
    const { relayed, failed, hasMore } = await outboxRelay.run();
    if (failed > 0) logger.warn({ relayed, failed }, 'some messages could not be relayed');
    if (hasMore) relay.wake();
  });
  const unsubscribe = await outbox.subscribe(() => relay.wake());
  const consumers: Consumers[] = [
    dispatch.startTickWorker({ onTick: tickHandler(deps) }),
    dispatch.startFinaliseWorker({ finalise: (flow) => finaliseDelivery(deps, flow) }),
  ];
  const intake = new Intake(
    {
      pause() {
        for (const consumer of consumers) consumer.pause();
      },
      resume() {
        for (const consumer of consumers) consumer.resume();
      },
    },
    (why) => {
      if (why === undefined) logger.info('dispatcher takes deliveries again');
      else logger.error({ why }, 'dispatcher takes no deliveries');
    },
  );
  intake.heed(clock.complaint);
  const loops = [
    relay,
    loop('history', historyEveryMs, async () => {
      await history.ensurePartitions(daysAhead);
      const { droppedDays } = await history.prune(deps.retentionHours);
      if (droppedDays.length > 0) logger.info({ dropped_days: droppedDays }, 'history pruned');
      await observations.prune();
    }),
    loop('figures', figuresEveryMs, () => readFigures(deps)),
  ];
  return {
    heedClock: () => intake.heed(clock.complaint),
    async stop() {
      intake.drain();
      await unsubscribe();
      await Promise.all([
        ...consumers.map((consumer) => consumer.stop({ deadlineMs: 5_000 })),
        ...loops.map((each) => each.stop()),
      ]);
      metrics.queueDepth.reset();
    },
  };
}

async function readFigures({ dispatch, healthStore, metrics, outbox }: DispatcherDeps): Promise<void> {
  const [{ worst }, backlog] = await Promise.all([healthStore.readLateness(0), outbox.backlog()]);
  metrics.scheduleLatenessSeconds.set(worst?.lateSeconds ?? 0);
  metrics.outboxWaiting.set(backlog.waiting);
  metrics.outboxOldestSeconds.set(backlog.oldestSeconds);
  for (const figures of await dispatch.queueFigures()) {
    const { queue, workers, waiting, active, delayed, failed, prioritized, waitingChildren } = figures;
    metrics.queueWorkers.set({ queue }, workers);
    const states = { waiting, active, delayed, failed, prioritized, 'waiting-children': waitingChildren };
    for (const [state, count] of Object.entries(states)) metrics.queueDepth.set({ queue, state }, count);
  }
}
