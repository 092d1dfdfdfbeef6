import { randomBytes } from 'node:crypto';
import { type LeaseTimes, leaseTimes, RunningTasks, type RunTaskDeps, runTask } from '@slacktide/application';
import type { Executor, PlannedStep, StepRun, TaskExecutions } from '@slacktide/application/ports';
import { connectDispatch } from '@slacktide/dispatch';
import { type JsonObject, type SafetyClass, type ThrottleLimits, throttleLimits } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { inject, onTestFinished, vi } from 'vitest';
import { z } from 'zod';
import { executionsSetup, taskOf } from '../../support/executions.ts';
import { freshTarget } from '../../support/target.ts';

/** What a step does; its key is given for executors of several. */
export type Act = (run: StepRun<JsonObject>, key: string) => Promise<JsonObject>;

export interface Steps {
  readonly act: Act;
  /** Default: `only`. */
  readonly keys?: readonly string[];
  /** Default: idempotent. */
  readonly class?: SafetyClass;
  readonly sweep?: NonNullable<Executor['sweep']>;
  /** Default: its configuration has no throttle. */
  readonly throttle?: Partial<ThrottleLimits>;
  readonly inOrder?: boolean;
}

/** An executor whose steps do what the test wants. */
export function executorOf({
  act,
  keys = ['only'],
  class: safety = 'idempotent',
  sweep,
  throttle,
  inOrder = false,
}: Steps): Executor {
  const step = (key: string): PlannedStep => ({
    key,
    object: { kind: 'table', oid: 1, schema: 'public', name: key },
    statements: ['SELECT 1'],
    lockMode: null,
    sizeBytes: 1,
    expectedSeconds: 1,
    reversible: true,
    data: {},
  });
  return {
    taskType: {
      type: 'INDEX_REBUILD',
      category: 'index',
      access: 'act',
      class: safety,
      description: 'does what the test wants',
      config: (throttle === undefined
        ? z.object({})
        : z.object({ throttle: throttleLimits.prefault(throttle as never) })) as never,
    },
    inOrder,
    readFacts: async () => ({ kind: 'facts', facts: null }),
    plan: () => ({ steps: keys.map(step), checked: keys.length, skipped: [], unknown: [] }),
    runStep: async ({ key }, run) => ({ kind: 'done', result: await act(run, key) }),
    ...(sweep === undefined ? {} : { sweep }),
  };
}

/** A worker over a real ledger, Redis and target, with a job whose first task waits to be run. */
export async function setup(
  steps: Act | Steps,
  changed: (real: TaskExecutions) => Partial<TaskExecutions> = () => ({}),
  times: Partial<LeaseTimes> = {},
) {
  const ledger = await executionsSetup();
  const target = await freshTarget(18);
  await ledger.sql`UPDATE targets SET connection = ${target.address.connection}, secret_ref = 'env:TARGET_PASSWORD' WHERE id = 'shop'`;
  const job = await ledger.addJob();
  const { id: taskId } = taskOf(job, 'rebuild');
  const dispatch = connectDispatch({
    redisUrl: inject('redisUrl'),
    prefix: `run-${randomBytes(4).toString('hex')}`,
    taskTypes: [],
    onError: () => undefined,
  });
  onTestFinished(() => dispatch.close());
  const executor = executorOf(typeof steps === 'function' ? { act: steps } : steps);
  const seen = { finished: vi.fn(), unexpected: vi.fn(), exit: vi.fn() };
  const running = new RunningTasks();
  const deps: RunTaskDeps = {
    executions: { ...ledger.executions, ...changed(ledger.executions) },
    remnants: ledger.connection.remnants,
    records: ledger.connection.records,
    actRecords: ledger.connection.actRecords,
    observations: ledger.connection.observations,
    upkeep: ledger.connection.upkeep,
    leases: dispatch.targetLeases,
    gateway: createPostgresGateway({ env: target.env }),
    executorOf: () => executor,
    running,
    workerId: 'w1',
    times: { ...leaseTimes(30_000), ...times },
    random: () => 0.5,
    exit: seen.exit,
    onFinished: seen.finished,
    onUnexpected: seen.unexpected,
  };
  const delivered = new AbortController();
  const delivery = { taskId, generation: 1, type: 'INDEX_REBUILD', signal: delivered.signal };
  const taskNow = async () => (await ledger.ledger.jobs.get(job.id))?.tasks.find(({ id }) => id === taskId);
  return {
    ...ledger,
    target,
    job,
    taskId,
    deps,
    seen,
    running,
    delivered,
    run: () => runTask(deps, delivery),
    taskNow,
  };
}
