import { randomBytes } from 'node:crypto';
import {
  leaseTimes,
  lookAfterWatches,
  newJob,
  RunningTasks,
  type RunTaskDeps,
  runTask,
  taskTypeCatalog,
} from '@slacktide/application';
import { connectDispatch } from '@slacktide/dispatch';
import type { JsonObject } from '@slacktide/domain';
import { executors } from '@slacktide/executors';
import { connectLedger } from '@slacktide/ledger';
import { createPostgresGateway } from '@slacktide/targets';
import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { executionsSetup } from '../../support/executions.ts';
import { sampleContext } from '../../support/ledger-data.ts';
import { freshTarget } from '../../support/target.ts';

const taskTypes = taskTypeCatalog(executors.map(({ taskType }) => taskType));
const fixture = `
CREATE TABLE t (id int, k int);
INSERT INTO t SELECT n, n FROM generate_series(1, 60000) AS n;
CREATE INDEX t_k ON t (k);
CREATE INDEX t_k_again ON t (k);
COMMENT ON INDEX t_k_again IS 'kept';
ALTER TABLE t CLUSTER ON t_k;
ANALYZE t`;

/** On a server of many: whoever makes or drops a database there asks for checkpoints, and would have this work wait for them to stop. */
const dropDuplicate = {
  rebuild: false,
  drop_duplicate: true,
  throttle: { max_requested_checkpoints: null, max_wal_mb_per_second: null, max_active_sessions: null },
};

/** A ledger, a target with an index that duplicates another, and a worker that runs whatever job there is. */
async function setup(major: 14 | 18) {
  const ledger = await executionsSetup();
  const target = await freshTarget(major);
  await ledger.sql`UPDATE targets SET connection = ${target.address.connection}, secret_ref = 'env:TARGET_PASSWORD' WHERE id = 'shop'`;
  await target.admin.query(`CREATE EXTENSION pg_stat_statements; GRANT pg_read_all_stats TO ${target.role}`);
  await target.owner.query(fixture);
  const dispatch = connectDispatch({
    redisUrl: inject('redisUrl'),
    prefix: `watch-${randomBytes(4).toString('hex')}`,
    taskTypes: [],
    onError: () => undefined,
  });
  onTestFinished(() => dispatch.close());
  const deps: RunTaskDeps = {
    ...ledger.connection,
    leases: dispatch.targetLeases,
    gateway: createPostgresGateway({ env: target.env }),
    executorOf: (type) => executors.find(({ taskType }) => taskType.type === type),
    running: new RunningTasks(),
    workerId: 'w1',
    times: leaseTimes(30_000),
    random: () => 0.5,
    exit: (why) => expect.unreachable(why),
  };
  /** Runs the only task of a job to its end; what the job came to. */
  const run = async (jobId: string) => {
    const [task] = (await ledger.ledger.jobs.get(jobId))?.tasks ?? [];
    if (task === undefined) throw new Error(`there is no job ${jobId}`);
    const delivery = { taskId: task.id, generation: 1, type: task.type, signal: new AbortController().signal };
    expect(await runTask(deps, delivery)).toEqual({ kind: 'done' });
    await ledger.executions.finalise({ jobId, generation: 1 });
    return (await ledger.ledger.jobs.get(jobId))?.tasks[0];
  };
  const start = async (type: string, config: JsonObject): Promise<string> => {
    const now = new Date();
    const job = newJob({
      ...{
        trigger: 'adhoc',
        scheduleId: null,
        targetId: 'shop',
        haltOnTaskFailure: true,
        window: null,
        scheduledFor: now,
        now,
      },
      ...{ traceId: '0'.repeat(32), traceparent: '', requestedBy: 'test', idBytes: () => randomBytes(16) },
      tasks: [{ key: 'only', type, config: taskTypes.get(type)?.config.parse(config) ?? {}, needs: [] }],
    });
    await ledger.addJob(job);
    return job.id;
  };
  /** Each control plane has connections of its own. */
  const controlPlane = () => {
    const connection = connectLedger({ databaseUrl: ledger.databaseUrl, applicationName: 'other', maxConnections: 2 });
    onTestFinished(() => connection.close());
    return () => lookAfterWatches({ ledger: connection.ledger, taskTypes, randomBytes }, sampleContext(), 50);
  };
  /** Executes the statement of the table so often. */
  const execute = async (times: number): Promise<void> => {
    for (let n = 1; n <= times; n += 1) await target.owner.query('SELECT id FROM t WHERE k = $1', [n]);
  };
  const look = async () => {
    await ledger.sql`UPDATE watches SET next_look_at = now()`;
    expect(
      await lookAfterWatches({ ledger: ledger.ledger, taskTypes, randomBytes }, sampleContext(), 50),
    ).toMatchObject({ looks: 1 });
    const [watch] = await ledger.sql`SELECT look_job_id AS "jobId" FROM watches`;
    return run(watch?.['jobId']);
  };
  const watchNow = async () =>
    (
      await ledger.sql`SELECT state, evidence ->> 'verdict' AS verdict, rollback_job_id AS "rollbackJobId" FROM watches`
    )[0];
  const indexes = async () =>
    (
      await target.owner.query(
        `SELECT indexrelid::regclass || ' ' || coalesce(obj_description(indexrelid), '') AS name FROM pg_index WHERE indrelid = 't'::regclass ORDER BY 1`,
      )
    ).rows.map(({ name }) => name);
  return { ...ledger, target, run, start, controlPlane, execute, look, watchNow, indexes };
}

describe.each([14, 18] as const)('the watch over a dropped index on PostgreSQL %i', (major) => {
  it('makes the index again by itself when statements of its table get worse, once, whoever looks after it', async () => {
    const { target, run, start, controlPlane, execute, look, watchNow, indexes, sql, ledger } = await setup(major);
    await execute(30);
    const dropped = await run(await start('INDEX_OPTIMIZE', dropDuplicate));
    expect(dropped).toMatchObject({ state: 'SUCCEEDED', result: { dropped: 1, done: 1 } });
    expect(await indexes()).toEqual(['t_k ']);
    expect(await watchNow()).toMatchObject({ state: 'open' });

    await execute(30);
    expect(await look()).toMatchObject({ state: 'SUCCEEDED' });
    expect(await watchNow()).toMatchObject({ state: 'open', verdict: 'fine' });
    const planes = [controlPlane(), controlPlane(), controlPlane()];
    expect(await Promise.all(planes.map((turn) => turn()))).toMatchObject(Array(3).fill({ looks: 0, rollbacks: 0 }));

    // Somebody drops the one that was kept.
    await target.owner.query('DROP INDEX t_k');
    await execute(60);
    await look();
    if ((await watchNow())?.['state'] === 'open') {
      expect(await watchNow()).toMatchObject({ verdict: 'worse' });
      await execute(30);
      await look();
    }
    expect(await watchNow()).toMatchObject({ state: 'worse', verdict: 'worse', rollbackJobId: null });

    const turns = await Promise.all(planes.map((turn) => turn()));
    expect(turns.reduce((sum, { rollbacks }) => sum + rollbacks, 0)).toBe(1);
    const rollbackJobId = (await watchNow())?.['rollbackJobId'];
    const { items } = await ledger.audit.list({ limit: 50 }, { entityId: rollbackJobId });
    expect(items).toMatchObject([
      { action: 'job.create', actor: 'system:watches', reason: expect.stringContaining('got worse') },
    ]);
    expect(await run(rollbackJobId)).toMatchObject({ state: 'SUCCEEDED', result: { done: 1 } });
    expect(await indexes()).toEqual(['t_k_again kept']);
    expect(await watchNow()).toMatchObject({ state: 'rolled_back' });
    expect(await sql`SELECT state FROM rollback_points`).toEqual([{ state: 'used' }]);
    expect(await Promise.all(planes.map((turn) => turn()))).toMatchObject(Array(3).fill({ looks: 0, rollbacks: 0 }));
  });

  it('stays quiet when they do not, and ends with its time', async () => {
    const { run, start, controlPlane, execute, look, watchNow, sql } = await setup(major);
    await execute(40);
    await run(await start('INDEX_OPTIMIZE', dropDuplicate));
    for (const times of [5, 40, 40]) {
      await execute(times);
      await look();
    }
    expect(await watchNow()).toMatchObject({ state: 'open', verdict: 'fine' });
    expect(await controlPlane()()).toMatchObject({ looks: 0, rollbacks: 0 });
    await sql`UPDATE watches SET until = now()`;
    await look();
    expect(await watchNow()).toMatchObject({ state: 'passed' });
  });

  it('begins one look however many processes look after it', async () => {
    const { run, start, controlPlane, execute, sql } = await setup(major);
    await execute(40);
    await run(await start('INDEX_OPTIMIZE', dropDuplicate));
    await sql`UPDATE watches SET next_look_at = now()`;
    const turns = await Promise.all([controlPlane(), controlPlane(), controlPlane()].map((turn) => turn()));
    expect(turns.reduce((sum, { looks }) => sum + looks, 0)).toBe(1);
    expect(await sql`SELECT type FROM tasks WHERE type = 'INDEX_WATCH'`).toHaveLength(1);
  });

  it('is void, or ends, when the index is there', async () => {
    const { target, run, start, execute, look, watchNow, sql } = await setup(major);
    await execute(40);
    await run(await start('INDEX_OPTIMIZE', dropDuplicate));
    await target.owner.query('CREATE INDEX t_k_again ON t (k)');
    await look();
    expect(await watchNow()).toMatchObject({ state: 'ended' });
    await sql`UPDATE watches SET state = 'prepared', finished_at = NULL, evidence = NULL`;
    await look();
    expect(await watchNow()).toMatchObject({ state: 'void' });
  });
});
