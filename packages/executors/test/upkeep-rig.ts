import {
  answerQuestion,
  leaseTimes,
  RunningTasks,
  type RunTaskDeps,
  recoverExpired,
  runTask,
  sealAudit,
} from '@slacktide/application';
import type { Answer, Executor, NewJob, TargetLeases } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import { executionsSetup } from '../../../test/support/executions.ts';
import { sampleJob } from '../../../test/support/ledger-data.ts';

/** Redis, as far as nobody else is there. */
const leases: TargetLeases = {
  acquire: async () => ({ kind: 'acquired' }),
  renew: async () => 'held',
  release: async () => undefined,
};

/** A real ledger and a worker that runs one executor on a target that is away: nobody listens at its port. */
export async function upkeepRig<C extends JsonObject, F>(executor: Executor<C, F>, fileRoots: readonly string[] = []) {
  const ledger = await executionsSetup();
  const { connection, sql } = ledger;
  await sql`UPDATE targets SET connection = 'postgresql://nobody@127.0.0.1:1/none', secret_ref = 'env:NONE' WHERE id = 'shop'`;
  const { type } = executor.taskType;
  const deps: RunTaskDeps = {
    executions: connection.executions,
    remnants: connection.remnants,
    records: connection.records,
    actRecords: connection.actRecords,
    observations: connection.observations,
    upkeep: connection.upkeep,
    fileRoots,
    leases,
    gateway: createPostgresGateway({ env: { NONE: 'none' }, connectTimeoutMs: 2_000 }),
    executorOf: () => executor as unknown as Executor,
    running: new RunningTasks(),
    workerId: 'w1',
    times: leaseTimes(30_000),
    random: () => 0.5,
    exit: (why) => {
      throw new Error(why);
    },
  };

  const addTask = async (config: Partial<C>): Promise<{ readonly job: NewJob; readonly taskId: string }> => {
    const plain = sampleJob();
    const [task] = plain.tasks;
    if (task === undefined) throw new Error('expected a task');
    const job = await ledger.addJob({
      ...plain,
      haltOnTaskFailure: false,
      tasks: [{ ...task, key: 'upkeep', type, config: config as JsonObject }],
    });
    return { job, taskId: task.id };
  };
  const taskOf = async ({ job }: { readonly job: NewJob }) => {
    const task = (await ledger.ledger.jobs.get(job.id))?.tasks[0];
    if (task === undefined) throw new Error('expected a task');
    return task;
  };

  return {
    ...ledger,
    upkeep: connection.upkeep,
    deps,
    addTask,
    taskOf,
    /** Runs a task of the executor as a worker does; resolves with what the ledger says of it. */
    async run(config: Partial<C> = {}, changes: Partial<RunTaskDeps> = {}) {
      const added = await addTask(config);
      const delivery = { taskId: added.taskId, generation: 1, type, signal: new AbortController().signal };
      await runTask({ ...deps, ...changes }, delivery);
      return await taskOf(added);
    },
    /** What `POST /plans` answers. */
    async plan(config: Partial<C> = {}): Promise<Answer> {
      const target = await ledger.ledger.targets.get('shop');
      if (target === undefined) throw new Error('expected a target');
      return await answerQuestion(deps, { kind: 'plan', target, tasks: [{ type, config: config as JsonObject }] });
    },
    /** One pass of recovery by another worker. */
    recover: () => recoverExpired({ ...deps, recoveries: connection.recoveries, types: [type], workerId: 'w2' }),
    /** Chains all that was told so far. */
    async seal(): Promise<void> {
      while ((await sealAudit({ auditChain: connection.auditChain }, 1_000)) !== 0);
    },
  };
}
