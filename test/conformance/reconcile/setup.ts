import { randomBytes } from 'node:crypto';
import { createReconciler, createRelay, type Delivery, type Repair, taskTypeCatalog } from '@slacktide/application';
import type { NewJob } from '@slacktide/application/ports';
import { connectDispatch, type TaskDelivery } from '@slacktide/dispatch';
import { isTerminal, timeOrderedId } from '@slacktide/domain';
import { createLogger, createMetrics } from '@slacktide/telemetry';
import { Redis } from 'ioredis';
import { expect, onTestFinished, vi } from 'vitest';
import { fireOverdue } from '../../../apps/control-plane/src/reconciler/fire-overdue.ts';
import { executionsSetup } from '../../support/executions.ts';
import { sampleContext, sampleJob, sampleSchedule, sampleTask } from '../../support/ledger-data.ts';
import { startRedis } from '../../support/redis.ts';

const types = ['INDEX_REBUILD', 'STATISTICS_UPDATE', 'CHECKPOINT'] as const;
const times = { lockMs: 2_000, stalledCheckMs: 250 };

/** A ledger and a Redis of the running test's own, with all that moves work between them; nothing of it runs until told. */
export async function reconcileSetup() {
  const base = await executionsSetup();
  const server = await startRedis();
  onTestFinished(() => server.stop());
  const redis = new Redis(server.url);
  redis.on('error', () => undefined); // some tests stop their Redis
  onTestFinished(() => redis.disconnect());
  const open = () => {
    const dispatch = connectDispatch({ redisUrl: server.url, prefix: 'p', taskTypes: types, onError: () => undefined });
    onTestFinished(() => dispatch.close());
    return dispatch;
  };
  const dispatch = open();
  const { connection, executions, ledger, sql } = base;
  const { outbox, reconciliation } = connection;
  const quiet = createLogger({ service: 'test', level: 'silent' });
  const metrics = createMetrics({ service: 'test', taskTypes: [] });

  const relay = createRelay({
    ledger,
    outbox,
    executions,
    flows: dispatch.flows,
    ticks: dispatch.tickTimers,
    knock: () => dispatch.knock(),
  });
  const taskTypes = taskTypeCatalog([]);
  const faults: unknown[] = [];
  /** A reconciler as a process of its own would have, and what it put right. */
  const newReconciler = () => {
    const repaired: Repair[] = [];
    const reconciler = createReconciler({
      reconciliation,
      repairs: open().repairs,
      executions,
      fireOverdue: (limit) => fireOverdue({ ledger, taskTypes, reconciliation, metrics, logger: quiet }, limit),
      onRepair: (repair) => repaired.push(repair),
      onError: (error, what) => faults.push({ error, what }),
    });
    /** Passes until one finds nothing to put right. */
    const settle = async () => {
      for (let before = -1; before !== repaired.length; ) {
        before = repaired.length;
        expect(await reconciler.pass()).toMatchObject({ kind: 'led', isRedisAway: false });
      }
      return repaired;
    };
    return { ...reconciler, repaired, settle };
  };

  /** How often each task was run, by whichever worker. */
  const runs = new Map<string, number>();
  const process =
    (work: (taskId: string) => Promise<void>) =>
    async ({ taskId, generation }: TaskDelivery): Promise<Delivery> => {
      const request = { workerId: 'w1', access: 'observe', leaseLifeMs: 60_000, workerNow: new Date() } as const;
      const claim = await executions.claim({ taskId, generation, ...request });
      if (claim.kind === 'not_yet') return { kind: 'later', delayMs: 20 };
      if (claim.kind !== 'claimed') return { kind: 'done' };
      runs.set(taskId, (runs.get(taskId) ?? 0) + 1);
      await work(taskId);
      await executions.finish(claim.claimed, { kind: 'succeeded', result: {} }, []);
      return { kind: 'done' };
    };

  /** Deliveries that Redis holds, as keys; roots included, timers not. */
  const deliveries = async (): Promise<readonly string[]> => {
    const keys = await redis.keys('p:*');
    return keys.filter((key) => /^p:(?!ticks:)[a-z-]+:[0-9a-f]{8}-/.test(key) && !key.endsWith(':lock')).sort();
  };

  return {
    ...base,
    server,
    redis,
    dispatch,
    relay,
    faults,
    newReconciler,
    runs,
    reconciliation,
    outbox,

    /** A worker of all types, and one of the roots. */
    startWorkers(work: (taskId: string) => Promise<void> = async () => undefined) {
      const own = open();
      const consumers = [
        own.startTaskWorkers({ types, concurrency: 4, times, process: process(work) }),
        own.startFinaliseWorker({
          times,
          finalise: async (flow) => {
            const { kind } = await executions.finalise(flow);
            return kind === 'not_yet' ? { kind: 'later', delayMs: 20 } : { kind: 'done' };
          },
        }),
      ];
      const stop = async () => {
        await Promise.all(consumers.map((each) => each.stop({ deadlineMs: 5_000 })));
      };
      onTestFinished(stop);
      return { stop };
    },

    /** A job of these tasks (`a`, `b`, … each with what it needs), with its message in the outbox. */
    async addJobOf(needs: Readonly<Record<string, readonly string[]>>): Promise<NewJob> {
      const scheduledFor = new Date();
      const id = timeOrderedId(scheduledFor, randomBytes(10));
      const tasks = Object.entries(needs).map(([key, its], position) =>
        sampleTask(
          { jobId: id, key, position, needs: its, type: types[position % types.length] ?? types[0] },
          scheduledFor,
        ),
      );
      const job = sampleJob({ id, scheduledFor, tasks, haltOnTaskFailure: false });
      await ledger.transaction(sampleContext(), async (tx) => {
        await tx.jobs.insert(job);
        await tx.outbox.add({ kind: 'flow.add', jobId: id, generation: 1 });
        return { result: null, audit: [{ action: 'job.create', entity: 'job', entityId: id }] };
      });
      return job;
    },

    async addSchedule(changes: Parameters<typeof sampleSchedule>[0]) {
      await ledger.transaction(sampleContext(), async (tx) => {
        await tx.schedules.insert(sampleSchedule(changes));
        return { result: null, audit: [{ action: 'schedule.create', entity: 'schedule', entityId: 'any' }] };
      });
    },

    deliveries,

    /** Relays and reconciles until all jobs are over and Redis holds no delivery any more. */
    async heal(jobs: readonly NewJob[], reconcilers: readonly { pass(): Promise<unknown> }[]) {
      await vi.waitFor(
        async () => {
          await relay.run();
          await Promise.all(reconcilers.map((each) => each.pass()));
          await relay.run();
          const states = await Promise.all(jobs.map(async ({ id }) => (await ledger.jobs.get(id))?.state ?? 'PENDING'));
          expect(states.filter((state) => !isTerminal(state))).toEqual([]);
          expect(await deliveries()).toEqual([]);
        },
        { timeout: 25_000, interval: 50 },
      );
    },

    /** Every task of every job succeeded, after one run. */
    async expectOnce(jobs: readonly NewJob[]) {
      const kept = await Promise.all(jobs.map(({ id }) => ledger.jobs.get(id)));
      expect(kept.map((job) => job?.state)).toEqual(jobs.map(() => 'SUCCEEDED'));
      const ids = jobs.flatMap(({ tasks }) => tasks.map(({ id }) => id));
      expect(ids.map((id) => runs.get(id))).toEqual(ids.map(() => 1));
      // The removal of a flow that the reconciler was faster with may still be told.
      await vi.waitFor(async () => {
        await relay.run();
        expect(await sql`SELECT message FROM outbox`).toEqual([]);
      });
    },
  };
}
export type ReconcileSetup = Awaited<ReturnType<typeof reconcileSetup>>;
