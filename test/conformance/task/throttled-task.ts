import { setTimeout as sleep } from 'node:timers/promises';
import { jobView } from '@slacktide/application';
import type { TargetSession } from '@slacktide/application/ports';
import type { ThrottleLimits } from '@slacktide/domain';
import { createPostgresGateway } from '@slacktide/targets';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { type Steps, setup as setUpTask } from './setup.ts';

/** Other tests work on the same server: only what a test asks for is looked at. */
const unlimited: ThrottleLimits = {
  max_replica_lag_seconds: null,
  max_replica_lag_mb: null,
  max_wal_mb_per_second: null,
  max_archive_backlog: null,
  capacity_mb: null,
  min_free_disk_mb: null,
  max_active_sessions: null,
  max_requested_checkpoints: null,
  max_waiting_sessions: null,
  max_pause_seconds: 600,
};

export async function setup(throttle: Partial<ThrottleLimits>, steps: Partial<Steps> = {}) {
  const did: string[] = [];
  const act: Steps['act'] = async (_, key) => {
    did.push(key);
    return {};
  };
  const task = await setUpTask(
    { act, keys: ['a', 'b'], ...steps, throttle: { ...unlimited, ...throttle } },
    undefined,
    {
      progressEveryMs: 10,
    },
  );
  let passedMs = 0;
  const clock = {
    nowMs: () => performance.now() + passedMs,
    sleep: (ms: number) => sleep(ms),
  };
  Object.assign(task.deps, { throttling: { pollMs: 50, clock } });
  /** The job as the API shows it. */
  const shown = async () => {
    const job = await task.ledger.jobs.get(task.job.id);
    if (job === undefined) throw new Error('expected the job');
    return jobView(job).tasks.find(({ id }) => id === task.taskId);
  };
  const keysNow = async () => (await shown())?.steps.map(({ key, state }) => `${key} ${state}`);
  /** A look at the load stands for half a second. */
  const pass = (ms: number): void => {
    passedMs += ms;
  };
  return { ...task, did, shown, keysNow, pass };
}

export type Task = Awaited<ReturnType<typeof setup>>;

/** Has the acting session lock a table that somebody else then waits for; resolves when he does, with his statement. */
export async function blockSomebody(it: Task, session: TargetSession): Promise<{ readonly waiting: Promise<unknown> }> {
  await session.execute('BEGIN');
  await session.execute('LOCK TABLE public.wanted IN ACCESS EXCLUSIVE MODE');
  const somebody = await it.target.connect();
  const waiting = somebody.query('SELECT FROM public.wanted');
  const isWaiting = async () =>
    (await it.target.admin.query(`SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.wanted'::regclass`))
      .rowCount;
  await expect.poll(isWaiting).toBe(1);
  return { waiting };
}

/** Sessions are counted on a server of this file's own. */
const own: { server?: TestPostgres } = {};

/** Starts that server before the file's tests, and stops it after them. */
export function haveOwnServer(): void {
  beforeAll(async () => {
    own.server = await startPostgres(18);
  });
  afterAll(async () => {
    await own.server?.stop();
  });
}

/** Has the task's target on it. */
export async function onOwnServer(it: Task) {
  const { server } = own;
  if (server === undefined) throw new Error('expected the server to run');
  const connection = new URL(server.url);
  connection.password = '';
  await it.sql`UPDATE targets SET connection = ${connection.href} WHERE id = 'shop'`;
  Object.assign(it.deps, { gateway: createPostgresGateway({ env: { TARGET_PASSWORD: 'postgres' } }) });
  const connect = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: server.url });
    client.on('error', () => undefined);
    await client.connect();
    onTestFinished(() => client.end());
    return client;
  };
  const admin = await connect();
  /** Somebody is at work until `stop` is called. */
  const keepBusy = async (): Promise<{ stop(): Promise<void> }> => {
    const busy = await connect();
    const [{ pid }] = (await busy.query('SELECT pg_backend_pid() AS pid')).rows;
    const sleeping = busy.query('SELECT pg_sleep(600)').catch(() => undefined);
    const isBusy = async () =>
      (await admin.query(`SELECT FROM pg_stat_activity WHERE pid = $1 AND state = 'active'`, [pid])).rowCount;
    await expect.poll(isBusy).toBe(1);
    const stop = async (): Promise<void> => {
      await admin.query('SELECT pg_cancel_backend($1)', [pid]);
      await sleeping;
    };
    return { stop };
  };
  return { server, admin, keepBusy };
}
